#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "coordinator/ownership/client_records.h"
#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "tests/integration/ownership/worker_bench.h"

using namespace ace;
using namespace ace::test;
using namespace std::chrono_literals;

TEST_CASE("one of several claims for a stream wins", "[ownership]") {
  World world;
  Worker a{world, "w1"};
  Worker b{world, "w2"};
  Worker c{world, "w3"};
  const int won = int{a.claim()} + int{b.claim()} + int{c.claim()};
  CHECK(won == 1);
}

TEST_CASE("a follower gets the owner's chunks, byte for byte", "[ownership]") {
  World world;
  Worker owner{world, "w1"};
  Worker reader{world, "w2"};
  REQUIRE(owner.claim());
  reader.follow();
  reader.follower->start(proto::ChunkIndex{0});
  owner.append(200);
  CHECK(world.until([&] { return reader.has_all(1, 200); }));
  CHECK(reader.got.size() == 200);
  CHECK(reader.follower->fetched() == 200);
  CHECK(world.until([&] { return owner.committed == proto::ChunkIndex{200}; }));
}

TEST_CASE("events carry chunks to followers without waiting for a poll", "[ownership]") {
  World world;
  Worker owner{world, "w1"};
  Worker reader{world, "w2"};
  REQUIRE(owner.claim());
  reader.follower.emplace(world.id, reader.pipe, world.timers, streams::FollowLimits{.poll = 1h},
                          reader);
  reader.follower->start(proto::ChunkIndex{0});
  REQUIRE(world.until([&] { return reader.is_listening && reader.follower->epoch().value > 0; }));
  owner.append(1);
  CHECK(world.until([&] { return reader.has_all(1, 1); }));
}

TEST_CASE("a new owner goes on where the dead one was cut off", "[ownership]") {
  World world;
  Worker reader{world, "w3"};
  Worker next{world, "w2"};
  {
    Worker owner{world, "w1"};
    REQUIRE(owner.claim());
    reader.follow();
    reader.follower->start(proto::ChunkIndex{0});
    owner.append(20);
    REQUIRE(world.until([&] { return owner.committed == proto::ChunkIndex{20}; }));
  }
  REQUIRE(next.claim({{"w1"}}));
  CHECK(next.next == proto::ChunkIndex{21});
  next.append(20);
  CHECK(world.until([&] { return reader.has_all(1, 40); }));
  CHECK(reader.got.size() == 40);
}

TEST_CASE("an owner that was robbed is told with its next chunk", "[ownership]") {
  World world;
  Worker owner{world, "w1"};
  Worker robber{world, "w2"};
  REQUIRE(owner.claim());
  REQUIRE(robber.claim({{"w1"}}));
  owner.append(3);
  CHECK(world.until([&] { return !owner.refused.empty(); }));
  CHECK(owner.refused.size() == 1);
  owner.lease.update({{"state", "active"}});
  CHECK(world.until([&] { return !owner.lost.empty(); }));
  CHECK_FALSE(owner.lease.is_held());
  CHECK(robber.lease.may_write());
}

TEST_CASE("without memory the index moves on, and followers learn what is missing", "[ownership]") {
  World world;
  Worker owner{world, "w1"};
  Worker reader{world, "w2"};
  REQUIRE(owner.claim());
  reader.follow();
  reader.follower->start(proto::ChunkIndex{0});
  owner.append(3);
  REQUIRE(world.until([&] { return reader.has_all(1, 3); }));
  REQUIRE(world.server.command({"CONFIG", "SET", "maxmemory", "1"}).has_value());
  owner.append(3);
  REQUIRE(world.until([&] { return owner.committed == proto::ChunkIndex{6}; }));
  CHECK(owner.appender->skipped() == 3);
  REQUIRE(world.server.command({"CONFIG", "SET", "maxmemory", "0"}).has_value());
  owner.append(3);
  CHECK(world.until([&] { return reader.has_all(7, 9); }));
  CHECK(reader.got[5] == "missing");
}

TEST_CASE("a pause of Redis loses nothing and stores nothing twice", "[ownership]") {
  World world;
  Worker owner{world, "w1"};
  Worker reader{world, "w2"};
  REQUIRE(owner.claim());
  reader.follow();
  reader.follower->start(proto::ChunkIndex{0});
  owner.append(20);
  world.server.pause();
  owner.append(20);
  REQUIRE(world.until([&] { return !owner.pipe.is_up(); }));
  world.server.resume();
  owner.append(20);
  CHECK(world.until([&] { return reader.has_all(1, 60); }));
  CHECK(reader.got.size() == 60);
  CHECK(owner.appender->skipped() == 0);
}

TEST_CASE("a teardown leaves an empty Redis, and everybody hears of it", "[ownership]") {
  World world;
  Worker owner{world, "w1"};
  Worker reader{world, "w2"};
  REQUIRE(world.until([&] { return reader.is_listening; }));
  REQUIRE(owner.claim());
  owner.append(10);
  REQUIRE(world.until([&] { return owner.committed == proto::ChunkIndex{10}; }));
  std::optional<Status> done;
  owner.lease.begin_teardown(
      ace::ownership::Teardown::IfUnwatched, [&](const Result<std::size_t>& clients) {
        REQUIRE(clients == 0U);
        owner.lease.finish_teardown(owner.appender->oldest(), owner.committed,
                                    [&](Status status) { done = std::move(status); });
      });
  REQUIRE(world.until([&] { return done.has_value(); }));
  CHECK(done->has_value());
  CHECK(world.server.command({"DBSIZE"})->integer == 0);
  CHECK(world.until(
      [&] { return !reader.events.empty() && reader.events.back() == proto::EventType::Stopped; }));
  CHECK(owner.lost.empty());
}

TEST_CASE("what the scripts publish, the event bus understands", "[ownership]") {
  struct NoFigures final : ownership::ClientRecords::Figures {
    [[nodiscard]] std::optional<proto::ClientFigures> figures_of(
        const proto::StreamId& /*stream*/, const proto::ClientId& /*client*/) const override {
      return std::nullopt;
    }
  };
  World world;
  const NoFigures figures;
  Worker owner{world, "w1"};
  Worker reader{world, "w2"};
  ownership::ClientRecords clients{{"w2"}, reader.commands, world.timers, {}, figures};
  REQUIRE(world.until([&] { return reader.is_listening; }));
  REQUIRE(owner.claim());
  owner.append(1);
  REQUIRE(world.until([&] { return owner.committed == proto::ChunkIndex{1}; }));
  std::optional<Result<ownership::JoinOutcome>> joined;
  proto::ClientRecord client;
  client.id = {"c1"};
  clients.join(world.id, client, [&](auto outcome) { joined = std::move(outcome); });
  REQUIRE(world.until([&] { return joined.has_value(); }));
  clients.leave(world.id, {"c1"});
  REQUIRE(world.until([&] { return reader.events.size() == 4; }));
  owner.lease.release([](const Status&) {});
  using enum proto::EventType;
  CHECK(world.until([&] { return reader.events.size() == 5; }));
  CHECK(reader.events ==
        std::vector{OwnerChanged, Chunk, ClientConnected, ClientDisconnected, Leaving});
  CHECK(reader.bus.malformed() == 0);
}

TEST_CASE("a restarted Redis is claimed again above what was there before", "[ownership]") {
  World world;
  Worker owner{world, "w1"};
  REQUIRE(owner.claim());
  owner.append(10);
  REQUIRE(world.until([&] { return owner.committed == proto::ChunkIndex{10}; }));
  const auto before = owner.lease.epoch();
  world.server.restart();
  owner.append(1);
  REQUIRE(world.until([&] { return !owner.refused.empty() || !owner.lost.empty(); }));
  REQUIRE(world.until([&] { return !owner.lease.is_held() && owner.commands.is_up(); }));
  std::optional<Result<ownership::ClaimResult>> answer;
  owner.lease.claim(before, {10}, {}, [&](auto result) { answer = std::move(result); });
  REQUIRE(world.until([&] { return answer.has_value(); }));
  REQUIRE(answer->has_value());
  CHECK((*answer)->is_mine);
  CHECK((*answer)->epoch > before);
  CHECK((*answer)->index == proto::ChunkIndex{10});
}

TEST_CASE("a claim whose answer was lost is not another one's", "[ownership]") {
  World world;
  Worker owner{world, "w1"};
  std::optional<Result<ownership::ClaimResult>> answer;
  const auto claim = [&] {
    answer.reset();
    owner.lease.claim({}, {}, {}, [&](auto result) { answer = std::move(result); });
    return world.until([&] { return answer.has_value(); });
  };
  // A server that does not know the script would ask for it, and nobody would answer.
  REQUIRE(world.server.command({"SCRIPT", "LOAD", proto::kClaimScript}).has_value());
  world.server.pause();
  REQUIRE(claim());
  REQUIRE_FALSE(answer->has_value());
  world.server.resume();
  REQUIRE(world.until([&] { return owner.commands.is_up(); }));
  // Redis has read it by now, though its connection was given up.
  const auto holder = world.server.command({"GET", proto::StreamKeys{world.id}.owner()});
  REQUIRE(holder->as_text() == "w1");
  REQUIRE(claim());
  REQUIRE(answer->has_value());
  CHECK((*answer)->is_mine);
  CHECK(owner.lease.may_write());
}
