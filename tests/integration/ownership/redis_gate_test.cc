#include "coordinator/ownership/redis_gate.h"

#include <catch2/catch.hpp>

#include "coordinator/ownership/event_bus.h"
#include "proto/redis/redis_scripts.h"
#include "tests/integration/redis/redis_bench.h"
#include "tests/integration/redis/scripted_server.h"
#include "tests/support/redis/redis_server.h"

using namespace ace;
using namespace ace::ownership;
using namespace std::chrono_literals;
using host::RedisTrouble;
using test::RedisServer;
using Strings = std::vector<std::string>;

namespace {

struct Told final : RedisGate::Listener {
  int ups{};
  std::vector<RedisUnfitness> downs;
  void on_redis_up() override { ++ups; }
  void on_redis_down(const RedisUnfitness& why) override { downs.push_back(why); }
};

/// A worker's gate, with the subscription that hears for it.
struct Gate {
  Gate(test::LoopBench& b, const redis::Endpoint& endpoint)
      : bench{b},
        gate{b.loop,
             b.timers,
             endpoint,
             {},
             {"host:1"},
             told,
             {.try_every = 100ms, .try_again = 50ms}},
        bus{b.loop, b.timers, endpoint, {}, gate.commands(), gate.ungated()} {
    gate.listen_by(bus.hearing());
  }
  bool comes_up() {
    return bench.until([this] { return gate.is_up(); });
  }
  /// Why it is down, once it says so.
  RedisUnfitness goes_down() {
    bench.until([this] { return !gate.is_up() && gate.unfitness().has_value(); });
    return gate.unfitness().value_or(RedisUnfitness{});
  }

  test::LoopBench& bench;
  Told told;
  RedisGate gate;
  EventBus bus;
};

redis::Endpoint as_user(const RedisServer& server, const std::string& name, Strings rules) {
  Strings command{"ACL", "SETUSER", name, "reset", "on", ">secret"};
  command.insert(command.end(), rules.begin(), rules.end());
  REQUIRE(server.command(command));
  auto endpoint = server.endpoint();
  endpoint.username = name;
  endpoint.password = "secret";
  return endpoint;
}

}  // namespace

TEST_CASE("a Redis that does everything is up, and stays so", "[redis_gate]") {
  test::LoopBench b;
  const RedisServer server;
  Gate worker{b, server.endpoint()};
  REQUIRE(worker.comes_up());
  CHECK(test::ask(b, worker.gate.commands(), {"PING"}).has_value());
  b.run_for(1s);
  CHECK(worker.told.ups == 1);
  CHECK(worker.told.downs.empty());
  // Between two trials nothing is left of the last one.
  CHECK(b.until([&] { return server.command({"DBSIZE"})->as_integer() == 0; }));
}

TEST_CASE("nothing passes before Redis was tried", "[redis_gate]") {
  test::LoopBench b;
  const RedisServer server;
  Gate worker{b, server.endpoint()};
  const auto reply = test::ask(b, worker.gate.commands(), {"PING"});
  CHECK(reply.error().code == Errc::Unavailable);
  REQUIRE(worker.comes_up());
}

TEST_CASE("a user that may use ace_proxy:* is enough", "[redis_gate]") {
  test::LoopBench b;
  const RedisServer server;
  Gate worker{b, as_user(server, "x", {"~ace_proxy:*", "&ace_proxy:*", "+@all", "-@dangerous"})};
  CHECK(worker.comes_up());
}

TEST_CASE("what the user may not do is named", "[redis_gate]") {
  struct Case {
    Strings rules;
    std::string message;
  };
  const auto c = GENERATE(
      Case{{"allkeys", "+@all", "resetchannels"}, "user \"x\" may not PUBLISH to ace_proxy:*"},
      Case{{"allkeys", "allchannels", "+@all", "-publish"},
           "user \"x\" may not PUBLISH to ace_proxy:*"},
      Case{{"allkeys", "allchannels", "+@all", "-subscribe"},
           "user \"x\" may not SUBSCRIBE to ace_proxy:*"},
      Case{{"allkeys", "allchannels", "+@all", "-hset", "-sadd", "-pexpire"},
           "user \"x\" may not run PEXPIRE, HSET, SADD"},
      Case{{"allkeys", "allchannels", "+@all", "-hset", "-publish"},
           "user \"x\" may not run HSET; user \"x\" may not PUBLISH to ace_proxy:*"},
      Case{{"allkeys", "allchannels", "+@all", "-eval"}, "user \"x\" may not run EVAL"},
      Case{{"allkeys", "allchannels", "+@all", "-evalsha"}, "user \"x\" may not run EVALSHA"},
      Case{{"~other:*", "allchannels", "+@all"}, "user \"x\" may not use keys ace_proxy:*"});
  INFO(c.message);
  test::LoopBench b;
  const RedisServer server;
  Gate worker{b, as_user(server, "x", c.rules)};
  CHECK(worker.goes_down() == RedisUnfitness{RedisTrouble::NotPermitted, c.message});
  CHECK(worker.told.ups == 0);
  // Rights that come later are enough.
  REQUIRE(server.command({"ACL", "SETUSER", "x", "allkeys", "allchannels", "+@all"}));
  CHECK(worker.comes_up());
}

TEST_CASE("rights that go are noticed", "[redis_gate]") {
  test::LoopBench b;
  const RedisServer server;
  Gate worker{b, as_user(server, "x", {"allkeys", "allchannels", "+@all"})};
  REQUIRE(worker.comes_up());
  REQUIRE(server.command({"ACL", "SETUSER", "x", "-hset"}));
  CHECK(worker.goes_down().message == "user \"x\" may not run HSET");
  REQUIRE(worker.told.downs.size() == 1);
  CHECK(test::ask(b, worker.gate.commands(), {"PING"}).error().code == Errc::Unavailable);
}

TEST_CASE("a command that was renamed is named", "[redis_gate]") {
  const std::string command = GENERATE("EVAL", "PUBLISH", "SADD");
  test::LoopBench b;
  const RedisServer server{{.tcp = RedisServer::Tcp::Off,
                            .password = {},
                            .arguments = {"--rename-command", command, "elsewhere"}}};
  Gate worker{b, server.endpoint()};
  CHECK(worker.goes_down() ==
        RedisUnfitness{RedisTrouble::NoCommand,
                       "Redis has no command " + command + ": renamed or removed"});
}

TEST_CASE("a server in cluster mode is refused", "[redis_gate]") {
  test::LoopBench b;
  const RedisServer server{
      {.tcp = RedisServer::Tcp::Off, .password = {}, .arguments = {"--cluster-enabled", "yes"}}};
  Gate worker{b, server.endpoint()};
  CHECK(worker.goes_down().trouble == RedisTrouble::Cluster);
}

TEST_CASE("a master that turns replica is down until it is master again", "[redis_gate]") {
  test::LoopBench b;
  const RedisServer server;
  Gate worker{b, server.endpoint()};
  REQUIRE(worker.comes_up());
  REQUIRE(server.command({"REPLICAOF", "127.0.0.1", "1"}));
  CHECK(worker.goes_down().trouble == RedisTrouble::Replica);
  REQUIRE(server.command({"REPLICAOF", "NO", "ONE"}));
  CHECK(worker.comes_up());
}

TEST_CASE("a Redis without memory is up", "[redis_gate]") {
  test::LoopBench b;
  const RedisServer server{
      {.tcp = RedisServer::Tcp::Off, .password = {}, .arguments = {"--maxmemory", "1"}}};
  Gate worker{b, server.endpoint()};
  CHECK(worker.comes_up());
}

TEST_CASE("a subscription that is cut now and then is no trouble", "[redis_gate]") {
  test::LoopBench b;
  const RedisServer server;
  Gate worker{b, server.endpoint()};
  REQUIRE(worker.comes_up());
  for (int i = 0; i < 3; ++i) {
    REQUIRE(server.command({"CLIENT", "KILL", "TYPE", "pubsub"}));
    b.run_for(200ms);
  }
  CHECK(worker.told.downs.empty());
}

TEST_CASE("a Redis that is gone is away, and tried again when it is back", "[redis_gate]") {
  test::LoopBench b;
  RedisServer server;
  Gate worker{b, server.endpoint()};
  REQUIRE(worker.comes_up());
  server.kill();
  CHECK(worker.goes_down().trouble == RedisTrouble::Away);
  server.restart();
  CHECK(worker.comes_up());
  CHECK(worker.told.ups == 2);
}

TEST_CASE("a Redis before 7 is refused by its version", "[redis_gate]") {
  test::LoopBench b;
  const std::string hello = "*4\r\n$6\r\nserver\r\n$5\r\nredis\r\n$7\r\nversion\r\n$5\r\n6.2.7\r\n";
  const std::string no_script =
      "-ERR Error compiling script (new function): user_script:1: unexpected symbol near '#'\r\n";
  // To every connection the same: PONG, then what the command connection and the pipe ask.
  const std::string ok = "+OK\r\n";
  const auto answers =
      GENERATE_COPY(Strings{"+PONG\r\n", hello, no_script, ok, ok},
                    Strings{"+PONG\r\n", no_script, no_script, no_script, no_script});
  test::ScriptedServer server{b.loop, answers};
  Told told;
  RedisGate gate{b.loop, b.timers, server.endpoint(), {}, {"host:1"}, told};
  REQUIRE(b.until([&] { return !told.downs.empty(); }));
  CHECK(told.downs.front().trouble == RedisTrouble::TooOld);
  CHECK(told.downs.front().message.ends_with("is too old: 7.0 or newer is needed"));
}

TEST_CASE("the trial calls every command that the scripts call", "[redis_gate]") {
  const auto commands_of = [](const std::string& script, std::string_view call) {
    std::vector<std::string> commands;
    for (auto at = script.find(call); at != std::string::npos; at = script.find(call, at + 1)) {
      const auto begin = at + call.size();
      commands.push_back(script.substr(begin, script.find('\'', begin) - begin));
    }
    return commands;
  };
  const auto tried = commands_of(proto::kTrialScript, "try('");
  for (const auto* script :
       {&proto::kClaimScript,         &proto::kRenewScript,          &proto::kAliasScript,
        &proto::kUpdateScript,        &proto::kCommitScript,         &proto::kReleaseScript,
        &proto::kBeginTeardownScript, &proto::kFinishTeardownScript, &proto::kJoinScript,
        &proto::kLeaveScript,         &proto::kHeartbeatScript,      &proto::kInspectScript,
        &proto::kPresenceScript,      &proto::kAbsenceScript,        &proto::kIncarnationScript,
        &proto::kChooseEngineScript,  &proto::kEngineLoadsScript,    &proto::kHoldFilmScript,
        &proto::kDropFilmScript,      &proto::kPositionScript}) {
    for (const auto* call : {"redis.call('", "redis.pcall('"}) {
      for (const auto& command : commands_of(*script, call)) {
        INFO(command);
        CHECK(std::ranges::count(tried, command) == 1);
      }
    }
  }
}
