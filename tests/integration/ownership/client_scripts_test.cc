#include <catch2/catch.hpp>

#include "tests/integration/ownership/script_bench.h"

using namespace ace;
using test::ScriptBench;

namespace {

struct Bench : ScriptBench {
  [[nodiscard]] std::vector<std::int64_t> join(const std::string& client,
                                               const std::string& worker = "w1") const {
    const auto reply = eval(
        proto::kJoinScript,
        {keys.metadata(), keys.clients(), keys.client({client}),
         keys.last_client_disconnect_time()},
        {client, "w1", "60000", "50000", keys.events(), "address", "10.0.0.1", "worker", worker});
    const auto& parts = reply.value().elements;
    return {parts.at(0).as_integer().value(), parts.at(1).as_integer().value()};
  }
  [[nodiscard]] std::int64_t leave(const std::string& client) const {
    return eval(proto::kLeaveScript,
                {keys.clients(), keys.client({client}), keys.last_client_disconnect_time(),
                 keys.metadata()},
                {client, "60000", keys.events()})
        .value()
        .as_integer()
        .value();
  }
  [[nodiscard]] std::int64_t heartbeat(const std::string& client) const {
    return eval(proto::kHeartbeatScript, {keys.clients(), keys.client({client})},
                {client, "50000", "bytes_sent", "77"})
        .value()
        .as_integer()
        .value();
  }
};

}  // namespace

TEST_CASE("a join adds the client, and all that it writes expires", "[scripts]") {
  const Bench b;
  b.claim("w1");
  CHECK(b.join("c1") == std::vector<std::int64_t>{1, 1});
  CHECK(b.join("c2") == std::vector<std::int64_t>{1, 2});
  CHECK(b.join("c2") == std::vector<std::int64_t>{1, 2});
  CHECK(b.text({"HGET", b.keys.client({"c1"}), "address"}) == "10.0.0.1");
  CHECK(b.number({"PTTL", b.keys.client({"c1"})}) > 0);
  CHECK(b.number({"PTTL", b.keys.clients()}) > 0);
}

TEST_CASE("a renewal removes clients whose record has run out", "[scripts]") {
  const Bench b;
  const auto epoch = b.claim("w1").epoch;
  b.live("w1", "token").value();
  for (int i = 0; i < 100; ++i) static_cast<void>(b.join("c" + std::to_string(i)));
  const auto clients_left = [&] {
    return b.renew("w1", epoch).value().elements.at(1).as_integer().value();
  };
  CHECK(clients_left() == 100);
  for (int i = 1; i < 100; ++i) b.must({"DEL", b.keys.client({"c" + std::to_string(i)})});
  CHECK(clients_left() == 1);
  CHECK(b.number({"SISMEMBER", b.keys.clients(), "c0"}) == 1);
  CHECK(b.number({"EXISTS", b.keys.last_client_disconnect_time()}) == 0);
  b.must({"DEL", b.keys.client({"c0"})});
  CHECK(clients_left() == 0);
  CHECK(b.number({"EXISTS", b.keys.last_client_disconnect_time()}) == 1);
}

TEST_CASE("a renewal removes the clients of a worker without a sign of life", "[scripts]") {
  const Bench b;
  const auto epoch = b.claim("w1").epoch;
  b.live("w1", "token").value();
  b.live("w2", "token").value();
  for (int i = 0; i < 500; ++i) {
    static_cast<void>(b.join("c" + std::to_string(i), i % 2 == 0 ? "w1" : "w2"));
  }
  const auto clients_left = [&] {
    return b.renew("w1", epoch).value().elements.at(1).as_integer().value();
  };
  CHECK(clients_left() == 500);
  b.must({"DEL", proto::worker_key({"w2"})});
  // Half of all: none among the 64 that are looked at first is no chance worth naming.
  CHECK(clients_left() == 250);
  CHECK(b.number({"SISMEMBER", b.keys.clients(), "c1"}) == 0);
  CHECK(b.number({"EXISTS", b.keys.client({"c1"})}) == 0);
  CHECK(b.number({"SISMEMBER", b.keys.clients(), "c0"}) == 1);
  CHECK(b.number({"EXISTS", b.keys.client({"c0"})}) == 1);
}

TEST_CASE("junk in a client's place stops no renewal", "[scripts]") {
  const Bench b;
  const auto epoch = b.claim("w1").epoch;
  b.must({"SADD", b.keys.clients(), "junk"});
  b.must({"SET", b.keys.client({"junk"}), "no hash"});
  CHECK(b.renew("w1", epoch).value().elements.at(1).as_integer() == 0);
  CHECK(b.number({"EXISTS", b.keys.client({"junk"})}) == 0);
}

TEST_CASE("nobody joins a stopping stream", "[scripts]") {
  const Bench b;
  b.claim("w1");
  b.must({"HSET", b.keys.metadata(), "state", "stopping"});
  CHECK(b.join("c1") == std::vector<std::int64_t>{0, 0});
  CHECK(b.number({"EXISTS", b.keys.clients(), b.keys.client({"c1"})}) == 0);
}

TEST_CASE("the last one out leaves the time, the next one in takes it away", "[scripts]") {
  const Bench b;
  b.claim("w1");
  static_cast<void>(b.join("c1"));
  static_cast<void>(b.join("c2"));
  CHECK(b.leave("c1") == 1);
  CHECK(b.number({"EXISTS", b.keys.client({"c1"})}) == 0);
  CHECK(b.number({"EXISTS", b.keys.last_client_disconnect_time()}) == 0);
  CHECK(b.leave("c2") == 0);
  CHECK(std::stod(b.text({"GET", b.keys.last_client_disconnect_time()})) > 1'600'000'000);
  CHECK(b.number({"PTTL", b.keys.last_client_disconnect_time()}) > 0);
  static_cast<void>(b.join("c3"));
  CHECK(b.number({"EXISTS", b.keys.last_client_disconnect_time()}) == 0);
}

TEST_CASE("who leaves what never was a stream leaves nothing behind", "[scripts]") {
  const Bench b;
  static_cast<void>(b.join("c1"));
  CHECK(b.leave("c1") == 0);
  CHECK(b.must({"KEYS", "*"}).elements.empty());
}

TEST_CASE("a leave that is said again writes nothing", "[scripts]") {
  const Bench b;
  CHECK(b.leave("c1") == 0);
  CHECK(b.number({"DBSIZE"}) == 0);
}

TEST_CASE("a heartbeat keeps a client and never makes half of one", "[scripts]") {
  const Bench b;
  CHECK(b.heartbeat("c1") == 0);
  CHECK(b.number({"DBSIZE"}) == 0);
  static_cast<void>(b.join("c1"));
  b.must({"PEXPIRE", b.keys.client({"c1"}), "20000"});
  CHECK(b.heartbeat("c1") == 1);
  CHECK(b.number({"PTTL", b.keys.client({"c1"})}) > 20000);
  CHECK(b.text({"HGET", b.keys.client({"c1"}), "bytes_sent"}) == "77");
  b.must({"DEL", b.keys.clients()});
  CHECK(b.heartbeat("c1") == 0);
}

TEST_CASE("a Redis without memory still takes clients in and lets them go", "[scripts]") {
  const Bench b;
  b.claim("w1");
  b.must({"CONFIG", "SET", "maxmemory", "1"});
  CHECK(b.join("c1") == std::vector<std::int64_t>{1, 1});
  CHECK(b.heartbeat("c1") == 1);
  CHECK(b.leave("c1") == 0);
}
