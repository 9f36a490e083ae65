#include <algorithm>
#include <sstream>

#include <catch2/catch.hpp>

#include "proto/redis/event.h"
#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;
using ace::proto::Event;
using ace::proto::EventType;

namespace {

/// `redis-cli SUBSCRIBE`, as an operator would run it.
class Listening {
 public:
  Listening(const Service& service, const std::string& id)
      : cli_{"redis-cli",
             "/usr/bin/redis-cli",
             {.arguments = {"-s", service.redis_socket(), "SUBSCRIBE", "ace_proxy:events:" + id}}} {
  }
  [[nodiscard]] bool is_subscribed() const {
    return cli_.log().find("subscribe") != std::string::npos;
  }
  /// What was heard but chunks, in order.
  [[nodiscard]] std::vector<Event> heard() const {
    std::vector<Event> events;
    std::istringstream lines{cli_.log()};
    for (std::string line; std::getline(lines, line);) {
      if (!line.starts_with("{")) continue;
      const auto event = ace::proto::parse_event(line);
      if (event && *event && (*event)->type != EventType::Chunk) events.push_back(**event);
    }
    return events;
  }
  [[nodiscard]] bool has_heard(EventType type) const {
    return std::ranges::count(heard(), type, &Event::type) > 0;
  }

 private:
  ChildProcess cli_;
};

std::vector<EventType> types_of(const std::vector<Event>& events) {
  std::vector<EventType> types;
  for (const auto& event : events) types.push_back(event.type);
  return types;
}

}  // namespace

TEST_CASE("a stream's channel tells its whole life", "[events]") {
  const Service service{{.bitrate = 2'000'000, .environment = {{"PROXY_GRACE_PERIOD", "500ms"}}}};
  const auto id = stream_id(1);
  const Listening channel{service, id};
  Viewers viewers{service.port()};
  REQUIRE(viewers.run_until([&] { return channel.is_subscribed(); }, 20s));
  viewers.open(1, stream_target(id));
  REQUIRE(viewers.run_until([&] { return channel.has_heard(EventType::StreamStarted); }, 20s));
  viewers.close_all();
  REQUIRE(viewers.run_until([&] { return channel.has_heard(EventType::Stopped); }, 20s));

  using enum EventType;
  auto events = channel.heard();
  // Who joins is recorded beside the claim, not behind it.
  const auto joined = std::ranges::find(events, ClientConnected, &Event::type);
  REQUIRE(joined != events.end());
  CHECK(joined->remaining == 1);
  events.erase(joined);
  CHECK(types_of(events) == std::vector{OwnerChanged, EngineChanged, StreamStarted,
                                        ClientDisconnected, Stopping, Stopped});
  const auto& engine = *std::ranges::find(events, EngineChanged, &Event::type);
  CHECK(engine.engine == "127.0.0.1:" + std::to_string(service.engines().port()));
  CHECK(engine.worker == events.front().worker);
  CHECK(engine.epoch == events.front().epoch);
}
