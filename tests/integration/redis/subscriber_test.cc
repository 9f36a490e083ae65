#include "shared/redis/subscriber.h"

#include <catch2/catch.hpp>

#include "tests/integration/redis/redis_bench.h"
#include "tests/support/redis/redis_server.h"

using namespace ace::test;
using ace::redis::Client;
using ace::redis::Subscriber;

namespace {

struct Messages final : Subscriber::Listener {
  std::vector<std::string> all;
  int gaps{};
  std::function<void()> on_any{[] {}};

  void on_message(std::string_view channel, std::string_view payload) override {
    all.push_back(std::string{channel} + "=" + std::string{payload});
    on_any();
  }
  void on_messages_may_be_missing() override { ++gaps; }
};

/// A server, the command connection and a subscriber that share it.
struct PubSub {
  explicit PubSub(ace::redis::Deadlines limits = kPatient) : deadlines{limits} {}

  ace::redis::Deadlines deadlines;
  RedisServer server;
  LoopBench bench;
  Heard heard;
  Messages messages;
  Client commands{bench.loop, bench.timers, server.endpoint(), deadlines, heard};
  std::unique_ptr<Subscriber> subscriber{std::make_unique<Subscriber>(
      bench.loop, bench.timers, server.endpoint(), deadlines, commands, messages)};

  [[nodiscard]] std::int64_t receivers(const std::string& channel) const {
    const auto counted = server.command({"PUBSUB", "NUMSUB", channel});
    return counted ? counted->elements.at(1).integer : -1;
  }
  bool until_receivers(const std::string& channel, std::int64_t count) {
    return bench.until([&] { return receivers(channel) == count; });
  }
  void say(const std::string& channel, const std::string& text) const {
    REQUIRE(server.command({"PUBLISH", channel, text}));
  }
  bool until_heard(std::size_t count) {
    return bench.until([&] { return messages.all.size() >= count; });
  }
};

}  // namespace

TEST_CASE("messages of wanted channels are heard, of others not", "[redis][pubsub]") {
  PubSub pubsub;
  pubsub.subscriber->subscribe("a");
  pubsub.subscriber->subscribe("a");
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 1; }));
  CHECK(pubsub.receivers("a") == 1);  // subscribed by the time the listener is told
  pubsub.say("b", "0");
  pubsub.say("a", std::string("1\0\r\n", 4));
  REQUIRE(pubsub.until_heard(1));
  CHECK(pubsub.messages.all[0] == "a=" + std::string("1\0\r\n", 4));

  pubsub.subscriber->subscribe("b");
  REQUIRE(pubsub.until_receivers("b", 1));
  pubsub.subscriber->unsubscribe("a");
  pubsub.subscriber->unsubscribe("a");
  pubsub.subscriber->unsubscribe("never");
  REQUIRE(pubsub.until_receivers("a", 0));
  pubsub.say("a", "2");
  pubsub.say("b", "3");
  REQUIRE(pubsub.until_heard(2));
  CHECK(pubsub.messages.all[1] == "b=3");
  CHECK(pubsub.messages.gaps == 1);
}

TEST_CASE("a change of mind in one turn ends in what was wanted last", "[redis][pubsub]") {
  PubSub pubsub;
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 1; }));
  pubsub.subscriber->subscribe("in");
  pubsub.subscriber->unsubscribe("in");
  pubsub.subscriber->subscribe("in");
  pubsub.subscriber->subscribe("out");
  pubsub.subscriber->unsubscribe("out");
  REQUIRE(pubsub.until_receivers("in", 1));
  REQUIRE(pubsub.until_receivers("out", 0));
  pubsub.subscriber->unsubscribe("in");
  pubsub.subscriber->subscribe("in");
  pubsub.bench.run_for(50ms);
  REQUIRE(pubsub.until_receivers("in", 1));
  pubsub.say("in", "1");
  REQUIRE(pubsub.until_heard(1));
}

TEST_CASE("a killed subscription is made anew and says that messages may be missing",
          "[redis][pubsub]") {
  PubSub pubsub;
  pubsub.subscriber->subscribe("a");
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 1; }));
  REQUIRE(pubsub.server.command({"CLIENT", "KILL", "TYPE", "pubsub"}));
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 2; }));
  pubsub.say("a", "1");
  REQUIRE(pubsub.until_heard(1));
  CHECK(pubsub.heard.downs.empty());
}

TEST_CASE("a subscription survives the server's restart", "[redis][pubsub]") {
  PubSub pubsub;
  pubsub.subscriber->subscribe("a");
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 1; }));
  pubsub.server.kill();
  REQUIRE(pubsub.bench.until([&] { return !pubsub.commands.is_up(); }));
  pubsub.subscriber->unsubscribe("a");
  pubsub.subscriber->subscribe("b");
  pubsub.server.restart();
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 2; }));
  CHECK(pubsub.receivers("a") == 0);
  pubsub.say("b", "1");
  REQUIRE(pubsub.until_heard(1));
}

TEST_CASE("a subscription that hears nothing any more is found out by its heartbeat",
          "[redis][pubsub]") {
  // The server goes on, but no message arrives: what a path that died one way looks like.
  RedisServer silent;
  PubSub pubsub;
  Messages messages;
  Subscriber elsewhere{
      pubsub.bench.loop, pubsub.bench.timers, silent.endpoint(), kShort, pubsub.commands, messages};
  REQUIRE(pubsub.bench.until([&] { return messages.gaps >= 1; }));
  REQUIRE(pubsub.bench.until([&] { return messages.gaps >= 2; }));
}

TEST_CASE("a quiet subscription that hears its heartbeat is left alone", "[redis][pubsub]") {
  PubSub pubsub{kShort};
  pubsub.subscriber->subscribe("a");
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 1; }));
  pubsub.bench.run_for(1s);
  CHECK(pubsub.messages.gaps == 1);
  CHECK(pubsub.messages.all.empty());
}

TEST_CASE("a server that stands still and goes on is subscribed again", "[redis][pubsub]") {
  PubSub pubsub{kShort};
  pubsub.subscriber->subscribe("a");
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 1 && pubsub.commands.is_up(); }));
  pubsub.server.pause();
  REQUIRE(pubsub.bench.until([&] { return !pubsub.commands.is_up(); }));
  pubsub.server.resume();
  // Again and again: it may still be on its way to subscribe.
  REQUIRE(pubsub.bench.until([&] {
    pubsub.say("a", "1");
    return pubsub.commands.is_up() && !pubsub.messages.all.empty();
  }));
}

TEST_CASE("a message may destroy the subscriber", "[redis][pubsub]") {
  PubSub pubsub;
  pubsub.subscriber->subscribe("a");
  REQUIRE(pubsub.bench.until([&] { return pubsub.messages.gaps == 1; }));
  pubsub.messages.on_any = [&] { pubsub.subscriber.reset(); };
  pubsub.say("a", "1");
  pubsub.say("a", "2");
  REQUIRE(pubsub.until_heard(1));
  REQUIRE(pubsub.until_receivers("a", 0));
  CHECK(pubsub.messages.all.size() == 1);
}
