#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

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

// Both kinds of connection log in alike.
TEMPLATE_TEST_CASE("a password and a database are enough to enter", "[redis][login]", Client,
                   ChunkConnection) {
  RedisServer server{{.tcp = RedisServer::Tcp::Off, .password = "open sesame", .arguments = {}}};
  LoopBench bench;
  Heard heard;
  auto endpoint = server.endpoint();
  endpoint.db = 3;
  TestType client{bench.loop, bench.timers, endpoint, kPatient, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  REQUIRE(ask(bench, client, {"SET", "k", "v"}));
  CHECK(server.command({"GET", "k"})->is_nil());
  REQUIRE(server.command({"MOVE", "k", "3"}));
  CHECK_THAT(ask(bench, client, {"CLIENT", "INFO"})->text, Catch::Contains("db=3"));
}

TEMPLATE_TEST_CASE("a user of the access list enters with its name", "[redis][login]", Client,
                   ChunkConnection) {
  RedisServer server{
      {.tcp = RedisServer::Tcp::Off,
       .password = {},
       .arguments = {"--user", "proxy", "on", ">secret", "~ace_proxy:*", "&*", "+@all"}}};
  LoopBench bench;
  Heard heard;
  auto endpoint = server.endpoint();
  endpoint.username = "proxy";
  endpoint.password = "secret";
  TestType client{bench.loop, bench.timers, endpoint, kPatient, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  CHECK(ask(bench, client, {"ACL", "WHOAMI"})->text == "proxy");
  const auto outside = ask(bench, client, {"GET", "other"});
  REQUIRE_FALSE(outside);
  CHECK_THAT(outside.error().text, Catch::StartsWith("NOPERM"));
}

TEMPLATE_TEST_CASE("a wrong password is down with its reason, and is tried again", "[redis][login]",
                   Client, ChunkConnection) {
  RedisServer server{{.tcp = RedisServer::Tcp::Off, .password = "right", .arguments = {}}};
  LoopBench bench;
  Heard heard;
  auto endpoint = server.endpoint();
  endpoint.password = "wrong";
  TestType client{bench.loop, bench.timers, endpoint, kPatient, heard};
  REQUIRE(bench.until([&] { return !heard.downs.empty(); }));
  CHECK(heard.downs[0].code == Errc::Refused);
  CHECK_THAT(heard.downs[0].text, Catch::Contains("AUTH") && Catch::Contains("WRONGPASS"));
  CHECK_THAT(heard.downs[0].text, !Catch::Contains("wrong\""));

  REQUIRE(server.command({"CONFIG", "SET", "requirepass", "wrong"}));
  REQUIRE(bench.until([&] { return client.is_up(); }));
  CHECK(heard.downs.size() == 1);
}

TEMPLATE_TEST_CASE("no password where one is needed is down with its reason", "[redis][login]",
                   Client, ChunkConnection) {
  RedisServer server{{.tcp = RedisServer::Tcp::Off, .password = "right", .arguments = {}}};
  LoopBench bench;
  Heard heard;
  auto endpoint = server.endpoint();
  endpoint.password.clear();
  const TestType client{bench.loop, bench.timers, endpoint, kPatient, heard};
  REQUIRE(bench.until([&] { return !heard.downs.empty(); }));
  CHECK_THAT(heard.downs[0].text, Catch::Contains("NOAUTH"));
}

TEMPLATE_TEST_CASE("a replica without its master is down until it serves again", "[redis][login]",
                   Client, ChunkConnection) {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  REQUIRE(server.command({"CONFIG", "SET", "replica-serve-stale-data", "no"}));
  REQUIRE(server.command({"REPLICAOF", "127.0.0.1", "1"}));
  // It is asked for a sign of life after half of the command's deadline.
  const ace::redis::Deadlines deadlines{.connect = 20s, .command = 3s};
  TestType client{bench.loop, bench.timers, server.endpoint(), deadlines, heard};
  REQUIRE(bench.until([&] { return !heard.downs.empty(); }));
  CHECK_THAT(heard.downs[0].text, Catch::Contains("MASTERDOWN"));
  REQUIRE(server.command({"REPLICAOF", "NO", "ONE"}));
  REQUIRE(bench.until([&] { return client.is_up(); }));

  SECTION("and goes down when it loses its master later") {
    REQUIRE(server.command({"REPLICAOF", "127.0.0.1", "1"}));
    REQUIRE(bench.until([&] { return !client.is_up(); }));
    CHECK_THAT(heard.downs.back().text, Catch::Contains("MASTERDOWN"));
  }
}

TEST_CASE("a server that loads its data is down with its reason", "[redis][login]") {
  LoopBench bench;
  Heard heard;
  const ScriptedServer server{bench.loop, {"-LOADING Redis is loading the dataset in memory\r\n"}};
  const Client client{bench.loop, bench.timers, server.endpoint(), kPatient, heard};
  REQUIRE(bench.until([&] { return server.connections() == 3; }));
  REQUIRE(heard.downs.size() == 1);
  CHECK(heard.downs[0].code == Errc::Refused);
  CHECK_THAT(heard.downs[0].text, Catch::Contains("LOADING"));
}

TEMPLATE_TEST_CASE("names are resolved, and every address of one is tried", "[redis][login]",
                   Client, ChunkConnection) {
  // "localhost" is often ::1 as well, where this server does not listen.
  RedisServer server{{.tcp = RedisServer::Tcp::On, .password = {}, .arguments = {}}};
  LoopBench bench;
  Heard heard;
  auto endpoint = server.tcp_endpoint();
  endpoint.host = "localhost";
  const TestType client{bench.loop, bench.timers, endpoint, kPatient, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  CHECK(heard.downs.empty());
}

TEMPLATE_TEST_CASE("a name that nobody knows is down with its reason", "[redis][login]", Client,
                   ChunkConnection) {
  LoopBench bench;
  Heard heard;
  Endpoint endpoint;
  endpoint.host = "no such host";
  const TestType client{bench.loop, bench.timers, endpoint, kPatient, heard};
  REQUIRE(bench.until([&] { return !heard.downs.empty(); }));
  CHECK(heard.downs[0].code == Errc::Unavailable);
  CHECK_THAT(heard.downs[0].text, Catch::Contains("no such host"));
}

TEMPLATE_TEST_CASE("the descriptors are not inherited by what the process starts", "[redis]",
                   Client, ChunkConnection) {
  RedisServer server;
  LoopBench bench;
  Heard heard;
  constexpr int kSome = 64;
  std::vector<bool> was_open;
  for (int fd = 0; fd < kSome; ++fd) was_open.push_back(::fcntl(fd, F_GETFD) >= 0);
  const TestType client{bench.loop, bench.timers, server.endpoint(), kPatient, heard};
  REQUIRE(bench.until([&] { return client.is_up(); }));
  int opened = 0;
  for (int fd = 0; fd < kSome; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || was_open[static_cast<std::size_t>(fd)]) continue;
    ++opened;
    CHECK((flags & FD_CLOEXEC) != 0);
  }
  CHECK(opened == 1);
}
