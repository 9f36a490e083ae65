#include <netinet/in.h>
#include <sys/socket.h>

#include <memory>

#include <catch2/catch.hpp>

#include "shared/base/unique_fd.h"
#include "shared/redis/chunk_connection.h"
#include "shared/redis/client.h"
#include "tests/integration/redis/redis_bench.h"
#include "tests/integration/redis/scripted_server.h"
#include "tests/support/redis/redis_server.h"

using namespace ace::test;
using ace::Errc;
using ace::redis::ChunkConnection;
using ace::redis::Client;
using ace::redis::Endpoint;
using std::chrono::steady_clock;

TEMPLATE_TEST_CASE("a connection that is refused is told once and tried again", "[redis][loss]",
                   Client, ChunkConnection) {
  LoopBench bench;
  Heard heard;
  Endpoint endpoint;
  SECTION("unix socket") { endpoint.socket = "/nonexistent/redis.sock"; }
  SECTION("tcp") { endpoint.port = 1; }
  const TestType client{bench.loop, bench.timers, endpoint, kPatient, heard};
  // By the refusal: the deadline is beyond what is waited for.
  REQUIRE(bench.until([&] { return !heard.downs.empty(); }));
  CHECK(heard.downs[0].code == Errc::Unavailable);
  bench.run_for(400ms);
  CHECK(heard.downs.size() == 1);
}

TEMPLATE_TEST_CASE("a server that is killed is found out at once and found again", "[redis][loss]",
                   Client, ChunkConnection) {
  const auto tcp = GENERATE(RedisServer::Tcp::Off, RedisServer::Tcp::On);
  RedisServer server{{.tcp = tcp, .password = {}, .arguments = {}}};
  LoopBench bench;
  Heard heard;
  const auto endpoint = tcp == RedisServer::Tcp::On ? server.tcp_endpoint() : server.endpoint();
  TestType client{bench.loop, bench.timers, endpoint, kPatient, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  REQUIRE(ask(bench, client, {"SET", "k", "v"}));

  server.pause();  // so that the commands below are surely unanswered
  Kept one;
  Kept two;
  client.command({"GET", "k"}, one.callback());
  client.command({"GET", "k"}, two.callback());
  int answered_before_down = 0;
  heard.on_down = [&] { answered_before_down = one.state->times + two.state->times; };
  server.kill();
  REQUIRE(bench.until([&] { return !heard.downs.empty(); }));  // long before the deadline
  CHECK(answered_before_down == 2);
  CHECK(one.get().error().code == Errc::Closed);
  CHECK_FALSE(client.is_up());

  server.restart();
  REQUIRE(bench.until([&] { return client.is_up(); }));
  CHECK(ask(bench, client, {"GET", "k"})->is_nil());
  CHECK(heard.ups == 2);
  CHECK(heard.downs.size() == 1);
  CHECK(one.state->times == 1);
}

TEMPLATE_TEST_CASE("a server that stands still is found dead within the deadline", "[redis][loss]",
                   Client, ChunkConnection) {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  TestType client{bench.loop, bench.timers, server.endpoint(), kShort, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  server.pause();
  heard = {};  // it may have been slow to connect
  // Deadlines are counted in such ticks: what this process stands still meanwhile is none.
  int ticks = 0;
  const auto tick = bench.timers.make();
  tick->every(20ms, [&] { ++ticks; });
  const auto began = steady_clock::now();
  SECTION("with a command on its way") {
    Kept kept;
    client.command({"PING"}, kept.callback());
    REQUIRE(bench.until([&] { return kept.is_there(); }));
    CHECK(steady_clock::now() - began >= 200ms);
    CHECK(ticks < 30);
    CHECK(kept.get().error().code == Errc::Timeout);
  }
  SECTION("idle") {
    REQUIRE(bench.until([&] { return !heard.downs.empty(); }));
    CHECK(ticks < 50);
  }
  CHECK(heard.downs.at(0).code == Errc::Timeout);
  bench.run_for(700ms);  // the kernel still accepts: only the login's deadline tells
  CHECK(heard.ups == 0);
  CHECK(heard.downs.size() == 1);
  server.resume();
  REQUIRE(bench.until([&] { return client.is_up(); }));
  CHECK(ask(bench, client, {"PING"})->text == "PONG");
}

TEMPLATE_TEST_CASE("a killed connection comes back", "[redis][loss]", Client, ChunkConnection) {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  TestType client{bench.loop, bench.timers, server.endpoint(), kPatient, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  REQUIRE(server.command({"CLIENT", "KILL", "TYPE", "normal"}));
  REQUIRE(bench.until([&] { return heard.ups == 2; }));
  CHECK(heard.downs.size() == 1);
  CHECK(ask(bench, client, {"PING"})->text == "PONG");
}

TEMPLATE_TEST_CASE("a connect that nobody answers is given up after its deadline", "[redis][loss]",
                   Client, ChunkConnection) {
  // A listener whose backlog is full: the kernel drops what else comes, as a dead host would.
  const ace::UniqueFd listening{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  REQUIRE(::bind(listening.get(), raw, size) == 0);
  REQUIRE(::listen(listening.get(), 0) == 0);
  REQUIRE(::getsockname(listening.get(), raw, &size) == 0);
  std::vector<ace::UniqueFd> fillers;
  for (int i = 0; i < 4; ++i) {
    fillers.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    static_cast<void>(::connect(fillers.back().get(), raw, size));
  }

  LoopBench bench;
  Heard heard;
  Endpoint endpoint;
  endpoint.port = ntohs(address.sin_port);
  const TestType client{bench.loop, bench.timers, endpoint, kShort, heard};
  REQUIRE(bench.until([&] { return !heard.downs.empty(); }));
  CHECK(heard.downs[0].code == Errc::Timeout);
}

TEMPLATE_TEST_CASE("a process that stood still itself does not blame Redis", "[redis][loss]",
                   Client, ChunkConnection) {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  const ace::redis::Deadlines deadlines{.connect = 20s, .command = 200ms};
  TestType client{bench.loop, bench.timers, server.endpoint(), deadlines, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  Kept kept;
  client.command({"PING"}, kept.callback());
  bench.loop.run_once(false);
  bench.loop.run_once(false);
  // The answer lies in the socket while this process does something else for three deadlines.
  const auto until = steady_clock::now() + 600ms;
  // Who asks the server later is answered later.
  for (int i = 0; i < 2; ++i) REQUIRE(server.command({"PING"}));
  while (steady_clock::now() < until) continue;
  REQUIRE(bench.until([&] { return kept.is_there(); }));
  CHECK(kept.get());
  CHECK(heard.downs.empty());
}
