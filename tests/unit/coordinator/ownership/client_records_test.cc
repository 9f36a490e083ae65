#include "coordinator/ownership/client_records.h"

#include <catch2/catch.hpp>

#include "proto/redis/redis_scripts.h"
#include "tests/unit/coordinator/ownership/fake_commands.h"
#include "tests/unit/coordinator/ownership/fake_time.h"

using namespace ace;
using namespace ace::ownership;
using namespace std::chrono_literals;
using test::array;
using test::integer;

namespace {

struct Fixture final : ClientRecords::Figures {
  [[nodiscard]] std::optional<proto::ClientFigures> figures_of(
      const proto::StreamId& /*stream*/, const proto::ClientId& /*client*/) const override {
    return figures;
  }
  void join(const std::string& client) {
    proto::ClientRecord record;
    record.id = {client};
    records.join(id, record, [this](Result<JoinOutcome> result) { joined = std::move(result); });
  }

  proto::StreamId id = proto::StreamId::parse(std::string(40, 'a')).value();
  test::ManualClock clock;
  test::FakeTimers timers{clock};
  test::FakeCommands redis;
  std::optional<proto::ClientFigures> figures{
      {.last_active = 100.5, .bytes_sent = 4096, .lag = 0.25}};
  std::optional<Result<JoinOutcome>> joined;
  ClientRecords records{{"host:1"}, redis, timers, {}, *this};
};

}  // namespace

TEST_CASE("a join tells how many watch", "[client_records]") {
  Fixture f;
  f.join("c1");
  const auto call = f.redis.answer(proto::kJoinScript, array({integer(1), integer(4)}));
  CHECK(call.args[0] == "c1");
  CHECK(call.args[1] == "host:1");
  CHECK((*f.joined)->count == 4);
  CHECK_FALSE((*f.joined)->is_stopping);
  CHECK(f.records.size() == 1);
}

TEST_CASE("a client of a stopping stream is not kept", "[client_records]") {
  Fixture f;
  f.join("c1");
  f.redis.answer(proto::kJoinScript, array({integer(0), integer(0)}));
  CHECK((*f.joined)->is_stopping);
  CHECK(f.records.size() == 0);
}

TEST_CASE("all clients' heartbeats go out together, with their figures", "[client_records]") {
  Fixture f;
  f.join("c1");
  f.join("c2");
  f.redis.answer(proto::kJoinScript, array({integer(1), integer(1)}));
  f.redis.answer(proto::kJoinScript, array({integer(1), integer(2)}));
  f.timers.advance(10s);
  CHECK(f.redis.pending() == 2);
  const auto call = f.redis.answer(proto::kHeartbeatScript, integer(1));
  CHECK(call.args == std::vector<std::string>{"c1", "50000", "last_active", "100.500", "bytes_sent",
                                              "4096", "lag", "0.250", "skips", "0"});
}

TEST_CASE("what is news of a client does not wait for its heartbeat", "[client_records]") {
  Fixture f;
  f.join("c1");
  f.redis.answer(proto::kJoinScript, array({integer(1), integer(1)}));
  f.records.tell(f.id, {"c1"});
  f.records.tell(f.id, {"c2"});  // nobody
  CHECK(f.redis.answer(proto::kHeartbeatScript, integer(1)).args.front() == "c1");
  CHECK(f.redis.pending() == 0);
}

TEST_CASE("a client that is not alive is not kept alive", "[client_records]") {
  Fixture f;
  f.join("c1");
  f.redis.answer(proto::kJoinScript, array({integer(1), integer(1)}));
  f.figures.reset();
  f.timers.advance(10s);
  CHECK(f.redis.pending() == 0);
}

TEST_CASE("a client that Redis lost is joined again", "[client_records]") {
  Fixture f;
  f.join("c1");
  f.redis.answer(proto::kJoinScript, array({integer(1), integer(1)}));
  SECTION("as a heartbeat finds") {
    f.timers.advance(10s);
    f.redis.answer(proto::kHeartbeatScript, integer(0));
  }
  SECTION("as Redis comes back") { f.records.on_redis_up(); }
  f.redis.answer(proto::kJoinScript, array({integer(1), integer(1)}));
  CHECK(f.redis.pending() == 0);
}

TEST_CASE("a leave that could not be said is said when Redis is back", "[client_records]") {
  Fixture f;
  f.join("c1");
  f.redis.answer(proto::kJoinScript, array({integer(1), integer(1)}));
  f.records.leave(f.id, {"c1"});
  f.redis.answer(proto::kLeaveScript, fail(Errc::Unavailable, "down"));
  f.records.on_redis_up();
  f.redis.answer(proto::kLeaveScript, integer(0));
  f.records.on_redis_up();
  CHECK(f.redis.pending() == 0);
}

TEST_CASE("a join that failed keeps the client for when Redis is back", "[client_records]") {
  Fixture f;
  f.join("c1");
  f.redis.answer(proto::kJoinScript, fail(Errc::Unavailable, "down"));
  CHECK_FALSE(f.joined->has_value());
  f.records.on_redis_up();
  CHECK(f.redis.pending() == 1);
}

TEST_CASE("a client that another worker has taken is neither left nor joined", "[client_records]") {
  Fixture f;
  f.join("c1");
  f.redis.answer(proto::kJoinScript, array({integer(1), integer(1)}));
  f.records.forget(f.id, {"c1"});
  f.records.leave(f.id, {"c1"});
  f.records.on_redis_up();
  f.timers.advance(10s);
  CHECK(f.redis.pending() == 0);
  CHECK(f.records.size() == 0);
}

TEST_CASE("nothing is asked for on behalf of records that are gone", "[client_records]") {
  test::ManualClock clock;
  test::FakeTimers timers{clock};
  test::FakeCommands redis;
  Fixture figures;
  int answers = 0;
  {
    ClientRecords records{{"host:1"}, redis, timers, {}, figures};
    records.join(figures.id, {}, [&](const Result<JoinOutcome>&) { ++answers; });
  }
  redis.answer(proto::kJoinScript, array({integer(1), integer(1)}));
  CHECK(answers == 1);
  CHECK(timers.armed() == 0);
}
