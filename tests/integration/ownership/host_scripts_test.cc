#include <catch2/catch.hpp>

#include "tests/integration/ownership/script_bench.h"

using namespace ace;
using test::ScriptBench;

namespace {

struct Bench : ScriptBench {
  /// What a worker with this token is told: "" when the key is its own now, else the rival's name.
  [[nodiscard]] std::string rival_of(const std::string& token,
                                     const std::string& replacing = "") const {
    const auto reply = live("w1", token, replacing).value();
    if (reply.elements.at(0).as_integer() == 1) return {};
    return std::string{reply.elements.at(1).as_text().value()};
  }
  [[nodiscard]] std::int64_t leave(const std::string& token) const {
    return eval(proto::kAbsenceScript, {key, proto::workers_key(), proto::incarnation_key()},
                {token, "w1"})
        .value()
        .as_integer()
        .value();
  }
  [[nodiscard]] std::pair<std::int64_t, std::string> inspect() const {
    const auto reply = eval(proto::kInspectScript,
                            {keys.owner(), keys.metadata(), proto::active_streams_key()}, {id})
                           .value();
    return {reply.elements.at(0).as_integer().value(),
            std::string{reply.elements.at(1).as_text().value()}};
  }
  [[nodiscard]] std::string incarnation(const std::string& offered) const {
    return std::string{
        eval(proto::kIncarnationScript, {proto::incarnation_key()}, {offered, "60000"})
            .value()
            .as_text()
            .value()};
  }

  std::string key = proto::worker_key({"w1"});
};

}  // namespace

TEST_CASE("a worker's sign of life expires, and tells since when it lives", "[scripts]") {
  const Bench b;
  CHECK(b.live("w1", "t1").value().elements.at(1).as_integer() == 0);
  const auto since = b.text({"HGET", b.key, "started_at"});
  CHECK(std::stod(since) > 1'600'000'000);
  CHECK(b.number({"PTTL", b.key}) > 0);
  CHECK(b.number({"PTTL", b.key}) <= 30000);
  CHECK(b.live("w1", "t1").value().elements.at(1).as_integer() == 1);
  CHECK(b.text({"HGET", b.key, "started_at"}) == since);
  CHECK(b.text({"HGET", b.key, "clients"}) == "7");
}

TEST_CASE("a stranger gets the key only for what it has seen to be still", "[scripts]") {
  const Bench b;
  CHECK(b.rival_of("t1").empty());
  const auto seen = b.rival_of("t2");
  CHECK_FALSE(seen.empty());
  CHECK(b.rival_of("t2") == seen);
  CHECK(b.rival_of("t1").empty());
  const auto later = b.rival_of("t2", seen);
  CHECK(later != seen);
  CHECK(b.text({"HGET", b.key, "token"}) == "t1");
  CHECK(b.rival_of("t2", later).empty());
  CHECK(b.text({"HGET", b.key, "token"}) == "t2");
  CHECK_FALSE(b.rival_of("t1").empty());
}

TEST_CASE("a worker that leaves deletes its own key only", "[scripts]") {
  const Bench b;
  CHECK(b.rival_of("t1").empty());
  CHECK(b.leave("t2") == 0);
  CHECK(b.number({"EXISTS", b.key}) == 1);
  CHECK(b.leave("t1") == 1);
  CHECK(b.number({"DBSIZE"}) == 0);
}

TEST_CASE("the last worker takes with it what only workers need", "[scripts]") {
  const Bench b;
  CHECK(b.incarnation("i1") == "i1");
  CHECK(b.rival_of("t1").empty());
  b.must({"ZADD", proto::workers_key(), "9999999999999", "w2"});
  CHECK(b.leave("t1") == 1);
  CHECK(b.incarnation("i2") == "i1");
  b.must({"DEL", proto::workers_key()});
  CHECK(b.rival_of("t1").empty());
  CHECK(b.leave("t1") == 1);
  CHECK(b.number({"DBSIZE"}) == 0);
}

TEST_CASE("a worker that fell silent does not count as one that lives", "[scripts]") {
  const Bench b;
  b.must({"ZADD", proto::workers_key(), "1", "w2"});
  CHECK(b.rival_of("t1").empty());
  CHECK(b.number({"ZCARD", proto::workers_key()}) == 1);
}

TEST_CASE("junk does not keep a worker from living", "[scripts]") {
  const Bench b;
  b.must({"SET", b.key, "no hash"});
  CHECK(b.rival_of("t1").empty());
  b.must({"HSET", b.key, "beats", "many"});
  CHECK(b.rival_of("t1").empty());
  b.must({"RPUSH", proto::incarnation_key(), "no text"});
  CHECK(b.incarnation("one") == "one");
}

TEST_CASE("an inspection tells the owner, and forgets a stream without keys", "[scripts]") {
  const Bench b;
  const auto streams = proto::active_streams_key();
  b.claim("w1");
  CHECK(b.inspect() == std::pair<std::int64_t, std::string>{1, "w1"});
  b.must({"DEL", b.keys.owner()});
  CHECK(b.inspect() == std::pair<std::int64_t, std::string>{1, ""});
  CHECK(b.number({"SISMEMBER", streams, b.id}) == 1);
  b.must({"DEL", b.keys.metadata()});
  CHECK(b.inspect() == std::pair<std::int64_t, std::string>{0, ""});
  CHECK(b.number({"SISMEMBER", streams, b.id}) == 0);
}

TEST_CASE("the first incarnation stands until it is lost", "[scripts]") {
  const Bench b;
  CHECK(b.incarnation("one") == "one");
  b.must({"PEXPIRE", proto::incarnation_key(), "20000"});
  CHECK(b.incarnation("two") == "one");
  CHECK(b.number({"PTTL", proto::incarnation_key()}) > 20000);
  b.must({"FLUSHALL"});
  CHECK(b.incarnation("two") == "two");
}
