#include "shared/redis/client.h"

#include <catch2/catch.hpp>

#include "tests/integration/redis/redis_bench.h"
#include "tests/support/redis/redis_server.h"

using namespace ace::test;
using ace::Errc;
using ace::redis::Client;
using ace::redis::Reply;
using ace::redis::Script;

TEST_CASE("commands are answered in order, with the kinds Redis has", "[redis]") {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  Client client{bench.loop, bench.timers, server.endpoint(), kPatient, heard};
  CHECK_FALSE(client.is_up());
  REQUIRE(bench.until([&] { return heard.ups == 1; }));
  CHECK(client.is_up());

  std::vector<std::string> order;
  const auto note = [&order](const std::string& name) {
    return [&order, name](const ace::Result<Reply>& reply) {
      REQUIRE(reply);
      order.push_back(name);
    };
  };
  client.command({"SET", "k", std::string("a\0b\r\n", 5)}, note("set"));
  client.command({"INCR", "n"}, note("incr"));
  client.command({"GET", "none"}, note("get"));
  CHECK(order.empty());
  CHECK(ask(bench, client, {"GET", "k"})->text == std::string("a\0b\r\n", 5));
  CHECK(order == std::vector<std::string>{"set", "incr", "get"});

  CHECK(ask(bench, client, {"INCR", "n"})->as_integer() == 2);
  CHECK(ask(bench, client, {"GET", "none"})->is_nil());
  CHECK(ask(bench, client, {"SET", "k", "v"})->kind == Reply::Kind::Status);
  REQUIRE(ask(bench, client, {"RPUSH", "list", "x", "y"}));
  const auto list = ask(bench, client, {"LRANGE", "list", "0", "-1"});
  REQUIRE(list->elements.size() == 2);
  CHECK(list->elements[1].as_text() == "y");
}

TEST_CASE("what the server refuses comes back in the server's words", "[redis]") {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  Client client{bench.loop, bench.timers, server.endpoint(), kPatient, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  REQUIRE(ask(bench, client, {"SADD", "set", "x"}));
  const auto answer = ask(bench, client, {"GET", "set"});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Errc::Refused);
  CHECK_THAT(answer.error().text, Catch::StartsWith("WRONGTYPE"));
  CHECK(heard.downs.empty());
}

TEST_CASE("a script runs again after the server has forgotten it", "[redis]") {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  Client client{bench.loop, bench.timers, server.endpoint(), kPatient, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  const auto run = [&](const std::string& value) {
    const Script script{"return redis.call('INCRBY', KEYS[1], ARGV[1])"};
    Kept kept;
    client.eval(script, {"n"}, {value}, kept.callback());
    REQUIRE(bench.until([&] { return kept.is_there(); }));
    CHECK(kept.state->times == 1);
    return kept.get();
  };
  CHECK(run("1")->as_integer() == 1);
  CHECK(run("2")->as_integer() == 3);
  REQUIRE(server.command({"SCRIPT", "FLUSH"}));
  CHECK(run("3")->as_integer() == 6);
  const auto refused = run("x");
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::Refused);
}

TEST_CASE("a command for a Redis that is not there fails, but not while it is asked", "[redis]") {
  LoopBench bench;
  Heard heard;
  ace::redis::Endpoint nowhere;
  nowhere.socket = "/nonexistent/redis.sock";
  Client client{bench.loop, bench.timers, nowhere, kShort, heard};
  Kept kept;
  client.command({"PING"}, kept.callback());
  CHECK_FALSE(kept.is_there());
  REQUIRE(bench.until([&] { return kept.is_there(); }));
  CHECK(kept.get().error().code == Errc::Unavailable);
}

TEST_CASE("an answer may destroy the client, and the rest is still answered once", "[redis]") {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  auto client =
      std::make_unique<Client>(bench.loop, bench.timers, server.endpoint(), kPatient, heard);
  REQUIRE(bench.until([&] { return client->is_up(); }));
  Kept after;
  client->command({"PING"}, [&](const auto&) { client.reset(); });
  client->command({"PING"}, after.callback());
  REQUIRE(bench.until([&] { return after.is_there(); }));
  CHECK_FALSE(client);
  CHECK(after.get().error().code == Errc::Closed);
  bench.run_for(20ms);
  CHECK(after.state->times == 1);
  CHECK(heard.downs.empty());
}

TEST_CASE("the listener may destroy the client when it comes up and when it goes", "[redis]") {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  auto client =
      std::make_unique<Client>(bench.loop, bench.timers, server.endpoint(), kPatient, heard);
  SECTION("up") {
    heard.on_up = [&] { client.reset(); };
    REQUIRE(bench.until([&] { return !client; }));
  }
  SECTION("down") {
    REQUIRE(bench.until([&] { return client->is_up(); }));
    heard.on_down = [&] { client.reset(); };
    server.kill();
    REQUIRE(bench.until([&] { return !client; }));
  }
  bench.run_for(200ms);
  CHECK(heard.ups == 1);
}

TEST_CASE("an idle connection is kept and does not flap", "[redis]") {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  // Two signs of life are asked for, each with 3 s to come.
  const ace::redis::Deadlines deadlines{.connect = 20s, .command = 3s};
  const Client client{bench.loop, bench.timers, server.endpoint(), deadlines, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  bench.run_for(3300ms);
  CHECK(heard.ups == 1);
  CHECK(heard.downs.empty());
}
