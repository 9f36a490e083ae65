#include <catch2/catch.hpp>

#include "shared/redis/chunk_connection.h"
#include "shared/redis/client.h"
#include "shared/redis/subscriber.h"
#include "tests/integration/redis/redis_bench.h"
#include "tests/integration/redis/scripted_server.h"
#include "tests/support/redis/redis_server.h"

using namespace ace::test;
using ace::redis::ChunkConnection;
using ace::redis::Client;
using ace::redis::Subscriber;

namespace {

struct Deaf final : Subscriber::Listener {
  void on_message(std::string_view, std::string_view) override {}
  void on_messages_may_be_missing() override {}
};

}  // namespace

// hiredis ends the process at several of these: 0.14 and 1.2 at different ones.
TEMPLATE_TEST_CASE("a server that talks nonsense loses the connection, not the process",
                   "[redis][nonsense]", Client, ChunkConnection) {
  const auto junk =
      GENERATE(as<std::string>{}, "+extra\r\n", ":1\r\n", "$-1\r\n", "*1\r\n:1\r\n",
               "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n", "hello\r\n", ",1.5\r\n", "#t\r\n",
               "%1\r\n:1\r\n:1\r\n", ">1\r\n+a\r\n", "-ERR max number of clients reached\r\n");
  CAPTURE(junk);
  LoopBench bench;
  Heard heard;
  const ScriptedServer server{bench.loop, {"+PONG\r\n", "+PONG\r\n" + junk}};
  const ace::redis::Deadlines deadlines{.connect = 20s, .command = 200ms};
  const TestType client{bench.loop, bench.timers, server.endpoint(), deadlines, heard};
  REQUIRE(bench.until([&] { return heard.ups == 1; }));
  REQUIRE(bench.until([&] { return heard.ups == 2; }));
  CHECK(heard.downs.size() == 1);
}

TEMPLATE_TEST_CASE("a login that is answered with nonsense is down", "[redis][nonsense]", Client,
                   ChunkConnection) {
  const auto junk =
      GENERATE(as<std::string>{}, "HTTP/1.1 400 Bad Request\r\n\r\n", "$-5\r\n", "*9999999999\r\n");
  CAPTURE(junk);
  LoopBench bench;
  Heard heard;
  const ScriptedServer server{bench.loop, {junk}};
  const TestType client{bench.loop, bench.timers, server.endpoint(), kPatient, heard};
  REQUIRE(bench.until([&] { return server.connections() >= 2; }));
  CHECK(heard.ups == 0);
  CHECK(heard.downs.size() == 1);
}

TEST_CASE("a subscription that is answered with nonsense is made anew", "[redis][nonsense]") {
  const auto junk = GENERATE(as<std::string>{}, "+OK\r\n*0\r\n", "*1\r\n$9\r\nsubscribe\r\n",
                             "*3\r\n:1\r\n:2\r\n:3\r\n", "*3\r\n$9\r\nsubscribe\r\n$-1\r\n:1\r\n",
                             "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n$1\r\nx\r\n",
                             "*3\r\n*1\r\n:1\r\n$1\r\na\r\n:1\r\n", "-NOPERM no channels\r\n",
                             "*3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:1\r\n",
                             "*3\r\n$9\r\nSUBSCRIBE\r\n$5\r\nother\r\n:1\r\n",
                             "*3\r\n$10\r\npsubscribe\r\n$1\r\na\r\n:1\r\n",
                             ">3\r\n$9\r\nsubscribe\r\n$5\r\nother\r\n:1\r\n");
  CAPTURE(junk);
  RedisServer redis;
  LoopBench bench;
  Heard heard;
  Deaf deaf;
  const ScriptedServer server{bench.loop, {"+PONG\r\n", junk}};
  Client commands{bench.loop, bench.timers, redis.endpoint(), kPatient, heard};
  Subscriber subscriber{bench.loop, bench.timers, server.endpoint(), kShort, commands, deaf};
  subscriber.subscribe("a");
  REQUIRE(bench.until([&] { return server.connections() >= 2; }));
}
