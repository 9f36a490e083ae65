#include <map>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "coordinator/ownership/client_records.h"
#include "coordinator/ownership/event_bus.h"
#include "coordinator/ownership/stream_lease.h"
#include "proto/redis/redis_keys.h"
#include "shared/redis/chunk_connection.h"
#include "tests/support/redis/redis_server.h"
#include "workers/streams/store/chunk_appender.h"
#include "workers/streams/store/chunk_follower.h"

using namespace ace;
using namespace std::chrono_literals;

namespace {

struct Quiet final : redis::Client::Listener {
  std::function<void()> on_up{[] {}};
  void on_redis_up() override { on_up(); }
  void on_redis_down(const Error& /*why*/) override {}
};

struct World {
  test::RedisServer server;
  loop::Loop loop;
  loop::UvTimerFactory timers{loop};
  SystemClock clock;
  proto::StreamId id = proto::StreamId::parse(std::string(40, 'a')).value();

  bool until(const std::function<bool()>& is_true) {
    bool is_late = false;
    const auto guard = timers.make();
    guard->once(10s, [&is_late] { is_late = true; });
    while (!is_true() && !is_late) loop.run_once(true);
    return is_true();
  }
};

/// What a worker has of one stream: connections, a lease, both directions of chunks.
struct Worker final : ownership::StreamLease::Listener,
                      ownership::EventBus::Listener,
                      streams::ChunkAppender::Listener,
                      streams::ChunkFollower::Listener {
  Worker(World& w, const std::string& name) : world{w}, self{name} {
    bus.subscribe(world.id, *this);  // before it is connected: it tells when it listens
    world.until([this] { return commands.is_up() && pipe.is_up(); });
    pipe_listener.on_up = [this] {
      if (appender) appender->on_redis_up();
      if (follower) follower->poll_now();
    };
  }
  ~Worker() override { bus.unsubscribe(world.id); }

  void on_lease_lost(const Error& why) override { lost.push_back(why); }
  void on_viewers_counted(std::size_t clients) override { viewers = clients; }
  void on_event(const proto::Event& event) override {
    events.push_back(event.type);
    if (!follower) return;
    using enum proto::EventType;
    if (event.type == Chunk) follower->on_announced(event.epoch, event.index);
    if (event.type == OwnerChanged) follower->on_owner_changed(event.epoch, event.index);
  }
  void on_events_may_be_missing() override {
    is_listening = true;
    if (follower) follower->poll_now();
  }
  void on_committed(proto::ChunkIndex newest) override { committed = newest; }
  void on_backlog(bool /*is_too_much*/) override {}
  void on_append_refused(const Error& why) override { refused.push_back(why); }
  void on_chunk(proto::OwnerEpoch /*epoch*/, proto::ChunkIndex index,
                proto::ChunkPtr chunk) override {
    got[index.value] = std::string{as_text(chunk->payload())};
  }
  void on_missing(proto::ChunkIndex first, proto::ChunkIndex last) override {
    for (auto i = first.value; i <= last.value; ++i) got[i] = "missing";
  }

  bool claim(std::vector<proto::WorkerId> dead = {}) {
    std::optional<Result<ownership::ClaimResult>> answer;
    lease.claim({}, {}, std::move(dead),
                [&](Result<ownership::ClaimResult> result) { answer = std::move(result); });
    REQUIRE(world.until([&] { return answer.has_value(); }));
    REQUIRE(answer->has_value());
    if (!(*answer)->is_mine) return false;
    appender.emplace(
        streams::ChunkAppender::Grant{world.id, self, (*answer)->epoch, (*answer)->index,
                                      [this] { return lease.may_write(); }},
        pipe, world.timers, streams::AppendLimits{}, *this);
    next = (*answer)->index.next();
    return true;
  }
  void follow() { follower.emplace(world.id, pipe, world.timers, streams::FollowLimits{}, *this); }
  static std::string payload(std::uint64_t index) {
    std::string bytes(188 * (50 + 17 * (index % 100)), '\0');
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      bytes[i] = static_cast<char>((index * 31 + i * 7) % 256);
    }
    return bytes;
  }
  void append(int count) {
    for (int i = 0; i < count; ++i, next = next.next()) {
      appender->append(next, proto::Chunk::copy_of(as_bytes(payload(next.value))));
    }
  }
  [[nodiscard]] bool has_all(std::uint64_t first, std::uint64_t last) const {
    if (!got.contains(last)) return false;  // they come in order: no need to compare yet
    for (auto i = first; i <= last; ++i) {
      const auto chunk = got.find(i);
      if (chunk == got.end() || chunk->second != payload(i)) return false;
    }
    return true;
  }

  World& world;
  proto::WorkerId self;
  Quiet commands_listener;
  Quiet pipe_listener;
  redis::Client commands{world.loop, world.timers, world.server.endpoint(), {}, commands_listener};
  redis::ChunkConnection pipe{world.loop, world.timers, world.server.endpoint(), {}, pipe_listener};
  ownership::EventBus bus{world.loop, world.timers, world.server.endpoint(), {}, commands};
  ownership::StreamLease lease{world.id, self, commands, world.timers, world.clock, {}, 60s, *this};
  std::optional<streams::ChunkAppender> appender;
  std::optional<streams::ChunkFollower> follower;
  proto::ChunkIndex next;
  proto::ChunkIndex committed;
  std::map<std::uint64_t, std::string> got;
  std::vector<Error> lost;
  std::vector<Error> refused;
  std::vector<proto::EventType> events;
  std::size_t viewers{};
  bool is_listening{};
};

}  // namespace

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
  CHECK(owner.committed == proto::ChunkIndex{200});
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
  owner.lease.begin_teardown([&](const Result<std::size_t>& clients) {
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
