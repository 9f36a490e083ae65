#include "coordinator/ownership/event_bus.h"

#include <set>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/coordinator/ownership/fake_commands.h"

using namespace ace;
using ownership::EventBus;

namespace {

struct FakeChannels final : EventBus::Channels {
  explicit FakeChannels(std::set<std::string>& out) : subscribed{out} {}
  void subscribe(const std::string& channel) override { subscribed.insert(channel); }
  void unsubscribe(const std::string& channel) override { subscribed.erase(channel); }
  std::set<std::string>& subscribed;
};

struct Listening final : EventBus::Listener {
  void on_event(const proto::Event& event) override {
    events.push_back(event);
    if (on_any) on_any();
  }
  void on_events_may_be_missing() override {
    ++missed;
    if (on_any) on_any();
  }
  std::vector<proto::Event> events;
  int missed{};
  std::function<void()> on_any;
};

struct Fixture {
  proto::StreamId a = proto::StreamId::parse(std::string(40, 'a')).value();
  proto::StreamId b = proto::StreamId::parse(std::string(40, 'b')).value();
  std::string channel_a = "ace_proxy:events:" + std::string(40, 'a');
  std::set<std::string> subscribed;
  test::FakeCommands redis;
  redis::Subscriber::Listener* connection{};
  EventBus bus{redis, [this](redis::Subscriber::Listener& listener) {
                 connection = &listener;
                 return std::make_unique<FakeChannels>(subscribed);
               }};
  Listening on_a;
  Listening on_b;
};

}  // namespace

TEST_CASE("a stream's events reach its listener and no other", "[event_bus]") {
  Fixture f;
  f.bus.subscribe(f.a, f.on_a);
  f.bus.subscribe(f.b, f.on_b);
  f.connection->on_message(f.channel_a, R"({"v":1,"event":"chunk","epoch":5,"index":6})");
  REQUIRE(f.on_a.events.size() == 1);
  CHECK(f.on_a.events[0].index == proto::ChunkIndex{6});
  CHECK(f.on_b.events.empty());
}

TEST_CASE("what is unknown is passed over, what is malformed is counted", "[event_bus]") {
  Fixture f;
  f.bus.subscribe(f.a, f.on_a);
  f.connection->on_message(f.channel_a, R"({"v":1,"event":"of_the_future"})");
  CHECK(f.bus.malformed() == 0);
  f.connection->on_message(f.channel_a, "\xff[");
  CHECK(f.bus.malformed() == 1);
  CHECK(f.on_a.events.empty());
}

TEST_CASE("nothing comes after unsubscribing", "[event_bus]") {
  Fixture f;
  f.bus.subscribe(f.a, f.on_a);
  CHECK(f.subscribed.contains(f.channel_a));
  f.bus.unsubscribe(f.a);
  f.bus.unsubscribe(f.a);
  CHECK(f.subscribed.empty());
  f.connection->on_message(f.channel_a, R"({"v":1,"event":"stopped","epoch":5})");
  CHECK(f.on_a.events.empty());
}

TEST_CASE("a listener may unsubscribe others while all are told", "[event_bus]") {
  Fixture f;
  f.bus.subscribe(f.a, f.on_a);
  f.bus.subscribe(f.b, f.on_b);
  f.on_a.on_any = [&] {
    f.bus.unsubscribe(f.a);
    f.bus.unsubscribe(f.b);
  };
  f.connection->on_messages_may_be_missing();
  CHECK(f.on_a.missed == 1);
  CHECK(f.on_b.missed == 0);
}

TEST_CASE("an event is published on its stream's channel", "[event_bus]") {
  Fixture f;
  f.bus.publish(f.a, {.type = proto::EventType::StreamStarted, .epoch = {5}});
  const auto call = f.redis.take("");
  CHECK(call.args == std::vector<std::string>{"PUBLISH", f.channel_a,
                                              R"({"v":1,"event":"stream_started","epoch":5})"});
}

TEST_CASE("a watched channel tells of every message, and of what may be missing", "[event_bus]") {
  Fixture f;
  int news = 0;
  f.bus.watch("ace_proxy:engines:events", [&] { ++news; });
  CHECK(f.subscribed == std::set<std::string>{"ace_proxy:engines:events"});
  f.connection->on_message("ace_proxy:engines:events", "whatever");
  CHECK(news == 1);
  CHECK(f.bus.malformed() == 0);
  f.connection->on_messages_may_be_missing();
  CHECK(news == 2);
}
