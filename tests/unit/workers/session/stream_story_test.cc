#include "workers/streams/session/stream_story.h"

#include <catch2/catch.hpp>

using namespace ace::streams;
using namespace std::chrono_literals;
using ace::SteadyTime;
using ace::WallTime;
using ace::proto::StreamRecord;

namespace {

/// A story, and its time.
struct Told {
  StreamStory story{*ace::proto::StreamId::parse(std::string(40, 'a'))};
  SteadyTime now{1h};
  WallTime wall{std::chrono::seconds{1'700'000'000}};
  StreamRecord record;

  void pass(std::chrono::milliseconds time) {
    now += time;
    wall += time;
  }
  void phase(StartPhase phase, std::chrono::milliseconds after) {
    pass(after);
    story.on_phase(phase, now);
  }
  void silence(std::chrono::milliseconds time, const StallFacts& facts) {
    for (; time > 0ms; time -= 500ms) {
      pass(500ms);
      story.tick(now, wall, facts);
    }
  }
  void media() { story.on_media(now, wall); }
  bool is_news() { return story.tell(record); }
};

constexpr StallFacts kPlaying{.is_owner = true, .is_redis_up = true, .has_session = true};

}  // namespace

TEST_CASE("each silence has its cause", "[stream_story]") {
  auto facts = kPlaying;
  CHECK(to_string(cause_of(facts)) == "engine_silent");
  facts.is_swarm_dry = true;
  CHECK(to_string(cause_of(facts)) == "engine_starved");
  facts.has_session = false;
  CHECK(to_string(cause_of(facts)) == "engine_lost");
  facts.is_held_back = true;
  CHECK(to_string(cause_of(facts)) == "redis_slow");
  CHECK(to_string(cause_of({.is_redis_up = true})) == "owner_silent");
  CHECK(to_string(cause_of({.is_redis_up = true, .is_fetching = true})) == "redis_slow");
  CHECK(to_string(cause_of({.is_fetching = true})) == "redis_away");
}

TEST_CASE("a cause reads as it was written", "[stream_story]") {
  for (std::size_t i = 0; i < kStallCauses; ++i) {
    const auto cause = static_cast<StallCause>(i);
    CHECK(parse_stall_cause(to_string(cause)) == cause);
  }
  CHECK_FALSE(parse_stall_cause(""));
  CHECK_FALSE(parse_stall_cause("weather"));
}

TEST_CASE("a start is told phase by phase", "[stream_story]") {
  Told told;
  told.story.on_start(told.now);
  CHECK(told.is_news());
  told.phase(StartPhase::Pick, 10ms);
  told.phase(StartPhase::Getstream, 200ms);
  told.phase(StartPhase::Headers, 30ms);
  told.phase(StartPhase::FirstByte, 400ms);
  told.phase(StartPhase::FirstByte, 7ms);  // the next piece
  CHECK_FALSE(told.is_news());
  told.phase(StartPhase::RandomAccess, 43ms);
  CHECK(told.is_news());
  CHECK(told.record.start_pick_ms == 10);
  CHECK(told.record.start_getstream_ms == 200);
  CHECK(told.record.start_headers_ms == 30);
  CHECK(told.record.start_first_byte_ms == 400);
  CHECK(told.record.start_random_access_ms == 50);
  told.phase(StartPhase::RandomAccess, 2s);  // key frames come again
  CHECK_FALSE(told.is_news());
  CHECK(told.record.start_random_access_ms == 50);
}

TEST_CASE("a start tells of the engine that led to a picture", "[stream_story]") {
  Told told;
  told.story.on_start(told.now);
  told.phase(StartPhase::Pick, 10ms);
  told.phase(StartPhase::Getstream, 200ms);
  told.phase(StartPhase::Pick, 1000ms);  // it failed; the next one
  static_cast<void>(told.is_news());
  CHECK(told.record.start_getstream_ms == 0);
  told.phase(StartPhase::Getstream, 5ms);
  static_cast<void>(told.is_news());
  CHECK(told.record.start_pick_ms == 1000);
  CHECK(told.record.start_getstream_ms == 5);
}

TEST_CASE("a stall is told of while it lasts and when it is over", "[stream_story]") {
  Told told;
  told.media();
  told.silence(1500ms, kPlaying);
  CHECK_FALSE(told.is_news());
  told.media();  // no viewer noticed that
  CHECK(told.record.stall_cause.empty());
  told.silence(2500ms, kPlaying);
  CHECK(told.is_news());
  CHECK(told.record.is_stalled);
  CHECK(told.record.stall_cause == "engine_silent");
  CHECK(told.record.stall_ms == 2500);
  CHECK(told.record.stall_time == 1'700'000'001.5);
  told.pass(100ms);
  told.media();
  CHECK(told.is_news());
  CHECK_FALSE(told.record.is_stalled);
  CHECK(told.record.stall_ms == 2600);
  told.silence(1000ms, kPlaying);
  CHECK_FALSE(told.is_news());
  CHECK(told.record.stall_ms == 2600);  // what was, stays
}

TEST_CASE("a stall is its longest part's", "[stream_story]") {
  Told told;
  auto lost = kPlaying;
  lost.has_session = false;
  told.media();
  told.silence(3s, kPlaying);
  told.silence(5s, lost);
  told.media();
  static_cast<void>(told.is_news());
  CHECK(told.record.stall_cause == "engine_lost");
  CHECK(told.record.stall_ms == 8000);
}

TEST_CASE("a loop that stood still is to blame, not the engine", "[stream_story]") {
  Told told;
  const bool ticks_first = GENERATE(true, false);
  told.media();
  told.silence(500ms, kPlaying);
  told.pass(4s);
  if (ticks_first) told.story.tick(told.now, told.wall, kPlaying);
  told.media();
  static_cast<void>(told.is_news());
  CHECK(told.record.stall_cause == "worker_busy");
  CHECK(told.record.stall_ms == 4500);
}

TEST_CASE("a stream that has not begun does not stall", "[stream_story]") {
  Told told;
  told.silence(20s, kPlaying);
  CHECK_FALSE(told.is_news());
  told.media();
  told.silence(5s, kPlaying);
  told.story.on_start(told.now);  // it begins anew
  told.silence(20s, kPlaying);
  static_cast<void>(told.is_news());
  CHECK(told.record.stall_cause.empty());
}

TEST_CASE("what looked like a silent owner was Redis that had gone away", "[stream_story]") {
  Told told;
  constexpr StallFacts kFollowing{.is_redis_up = true};
  told.media();
  SECTION("as long as nobody can know") {
    told.silence(2500ms, kFollowing);
    told.silence(500ms, {});
    told.media();
    static_cast<void>(told.is_news());
    CHECK(told.record.stall_cause == "redis_away");
  }
  SECTION("an owner that had been silent before stays the cause") {
    told.silence(8s, kFollowing);
    told.silence(500ms, {});
    told.media();
    static_cast<void>(told.is_news());
    CHECK(told.record.stall_cause == "owner_silent");
  }
  CHECK(told.record.stall_ms >= 3000);
}
