#include "proto/redis/event.h"

#include <catch2/catch.hpp>

using namespace ace::proto;
using ace::Errc;

namespace {

Event parsed(std::string_view json) {
  const auto event = parse_event(json);
  REQUIRE(event.has_value());
  REQUIRE(event->has_value());
  return **event;
}

}  // namespace

TEST_CASE("an event reads as it was written", "[event]") {
  const auto event = GENERATE(
      Event{.type = EventType::StreamStarted, .epoch = {1763800000123}},
      Event{.type = EventType::Chunk, .epoch = {1763800000123}, .index = {42}},
      Event{.type = EventType::Chunk, .epoch = {7}, .index = {42}, .is_skipped = true},
      Event{.type = EventType::OwnerChanged, .epoch = {7}, .index = {9}, .worker = {"host:12"}},
      Event{.type = EventType::EngineChanged,
            .epoch = {7},
            .worker = {"host:12"},
            .engine = "127.0.0.1:6878"},
      Event{.type = EventType::Leaving, .epoch = {7}, .worker = {"host:12"}},
      Event{.type = EventType::ClientConnected, .client = {"00ff"}, .remaining = 3},
      Event{.type = EventType::ClientDisconnected, .client = {"00ff"}, .remaining = 0},
      Event{.type = EventType::Stopping, .epoch = {7}},
      Event{.type = EventType::Stopped, .epoch = {7}},
      Event{.type = EventType::Migrate, .worker = {"h:1"}, .engine = "e1"},
      Event{.type = EventType::End, .worker = {"h:1"}},
      Event{.type = EventType::Kick, .worker = {"h:1"}, .client = {"c1"}});
  CHECK(parsed(to_json(event)) == event);
}

TEST_CASE("a chunk event looks as the contract says", "[event]") {
  CHECK(to_json({.type = EventType::Chunk, .epoch = {5}, .index = {6}}) ==
        R"({"v":1,"event":"chunk","epoch":5,"index":6})");
}

TEST_CASE("unknown events, versions and fields are no errors", "[event]") {
  const auto unknown = GENERATE(R"({"v":1,"event":"stream_switched","url":"x"})",
                                R"({"v":2,"event":"chunk","index":[6]})", R"({"event":"chunk"})");
  const auto event = parse_event(unknown);
  REQUIRE(event.has_value());
  CHECK_FALSE(event->has_value());
  CHECK(parsed(R"({"v":1,"event":"chunk","epoch":5,"index":6,"more":{"a":[1]}})").index ==
        ChunkIndex{6});
}

TEST_CASE("a field of the wrong type counts as not there", "[event]") {
  const auto event = parsed(R"({"v":1,"event":"chunk","epoch":"5","index":-6,"worker":7})");
  CHECK(event.epoch == OwnerEpoch{});
  CHECK(event.index == ChunkIndex{});
  CHECK(event.worker == WorkerId{});
}

TEST_CASE("what is no event is refused, however it is made", "[event]") {
  const std::string deep(4000, '[');
  const std::string bad_utf8 = "{\"v\":1,\"event\":\"chunk\",\"worker\":\"\xff\"}";
  const std::string nameless = R"({"v":1})";
  const auto* const json = GENERATE_REF(&deep, &bad_utf8, &nameless);
  const auto event = parse_event(*json);
  REQUIRE_FALSE(event.has_value());
  CHECK(event.error().code == Errc::Protocol);
}

TEST_CASE("an event of any size is not even parsed", "[event]") {
  const auto event = parse_event(std::string(1U << 20U, ' '));
  REQUIRE_FALSE(event.has_value());
  CHECK(event.error().code == Errc::TooLarge);
}
