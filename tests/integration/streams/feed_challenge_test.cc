#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/streams/feed_world.h"

using namespace std::chrono_literals;
using ace::streams::FeedOptions;
using ace::test::FeedWorld;
using ace::test::packets;
using ace::test::PlayingEngine;
using ace::test::run_for;
using ace::test::run_until;

namespace {

/// Quick to see that nothing comes, slow to give up.
FeedOptions impatient() {
  FeedOptions options;
  options.unhealthy = 200ms;
  options.silence = 60s;
  return options;
}

/// Sessions of it are opened, and never deliver.
void hold_playback(PlayingEngine& engine) {
  engine.scripted.on("/ace/r/", [&engine](auto& c) { engine.playback = &c; });
}

}  // namespace

TEST_CASE("while a session is silent another engine is asked, and takes its place", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, packets('2', 20)};
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port()}, impatient()};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  CHECK(world.media == packets('1', 20) + packets('2', 20));
  CHECK(world.is_silent);
  CHECK(world.choices == std::vector<std::string>{"e1", "e2"});
  CHECK(world.feed->engine_id() == "e2");
  REQUIRE(run_until(loop, [&] { return first.stops() == 1; }));
  CHECK(second.stops() == 0);
  world.feed->abandon();
}

TEST_CASE("who was replaced is asked again when its successor falls silent", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, packets('2', 20)};
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port()}, impatient()};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  run_for(loop, 2200ms);  // a session that brings something after that is a good one
  // Where this process stood still meanwhile, the first packets came late enough for that.
  if (first.sessions() == 1) second.playback->send(packets('2', 20));
  REQUIRE(run_until(loop, [&] { return world.feed->engine_id() == "e1"; }));
  CHECK(first.sessions() == 2);
  world.feed->abandon();
}

TEST_CASE("a silent session that speaks first keeps its place", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, ""};
  hold_playback(second);
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port()}, impatient()};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return second.playbacks() == 1; }));
  first.playback->send(packets('1', 20));
  REQUIRE(run_until(loop, [&] { return second.stops() == 1; }));
  CHECK(world.media == packets('1', 20) + packets('1', 20));
  CHECK(world.feed->engine_id() == "e1");
  CHECK(world.choices == std::vector<std::string>{"e1"});
  CHECK(first.stops() == 0);
  world.feed->abandon();
}

TEST_CASE("a challenger that fails is followed by the next engine", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, ""};
  second.scripted.on("/ace/getstream", [](auto& c) { c.answer(500, "no"); });
  PlayingEngine third{loop, packets('3', 20)};
  FeedWorld world{
      loop, {first.scripted.port(), second.scripted.port(), third.scripted.port()}, impatient()};
  SECTION("at once, where only this engine is silent") {
    world.feed->start();
    REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
    CHECK(world.feed->engine_id() == "e3");
  }
  SECTION("much later, where the whole swarm is") {
    first.scripted.on("/ace/stat/", [](auto& c) {
      c.answer(200, R"({"response":{"status":"dl","peers":0,"speed_down":0},"error":null})");
    });
    world.feed->start();
    REQUIRE(run_until(loop, [&] { return !world.stats.empty(); }));
    REQUIRE(run_until(loop, [&] { return second.sessions() == 1; }));
    run_for(loop, 1200ms);  // several looks at the silence
    CHECK(third.sessions() == 0);
    CHECK(world.feed->engine_id() == "e1");
    CHECK(first.stops() == 0);
  }
  world.feed->abandon();
}

TEST_CASE("a challenger takes the place of a session that is given up", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, ""};
  hold_playback(second);
  auto options = impatient();
  options.silence = 1500ms;
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port()}, options};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return first.stops() == 1 && second.playback != nullptr; }));
  CHECK(world.feed->engine_id() == "e2");
  second.playback->send("HTTP/1.1 200 OK\r\n\r\n" + packets('2', 20));
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  CHECK(second.sessions() == 1);
  world.feed->abandon();
}

TEST_CASE("a feed moves to another engine on purpose without a break", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, ""};
  hold_playback(second);
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port()}};
  world.feed->start();
  CHECK_FALSE(world.feed->migrate("e2"));  // nothing flows yet
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK_FALSE(world.feed->migrate("e1"));
  CHECK_FALSE(world.feed->migrate("nobody"));
  SECTION("to the one that was named") { CHECK(world.feed->migrate("e2")); }
  SECTION("to the best of the others") { CHECK(world.feed->migrate({})); }
  REQUIRE(run_until(loop, [&] { return second.playbacks() == 1; }));
  first.playback->send(packets('1', 20));
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  CHECK(first.stops() == 0);
  second.playback->send("HTTP/1.1 200 OK\r\n\r\n" + packets('2', 20));
  REQUIRE(run_until(loop, [&] { return world.media.size() == 60 * 188; }));
  CHECK(world.media == packets('1', 20) + packets('1', 20) + packets('2', 20));
  REQUIRE(run_until(loop, [&] { return first.stops() == 1; }));
  CHECK(world.feed->engine_id() == "e2");
  world.feed->abandon();
}

TEST_CASE("a feed stays where it is when the engine it was sent to fails", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, ""};
  second.scripted.on("/ace/getstream", [](auto& c) { c.answer(500, "no"); });
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  REQUIRE(world.feed->migrate("e2"));
  REQUIRE(run_until(loop, [&] { return second.sessions() == 1; }));
  first.playback->send(packets('1', 20));
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  CHECK(world.feed->engine_id() == "e1");
  CHECK(first.sessions() == 1);
  CHECK(first.stops() == 0);
  world.feed->abandon();
}

TEST_CASE("a session that breaks while the next engine is being chosen can be moved later",
          "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, packets('2', 20)};
  PlayingEngine third{loop, packets('3', 20)};
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port(), third.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  world.selector.is_undecided = true;
  REQUIRE(world.feed->migrate({}));
  first.end_session();
  world.selector.is_undecided = false;
  first.playback->reset();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  REQUIRE(world.feed->engine_id() == "e2");
  world.selector.loads["e1"] = 5;
  REQUIRE(world.feed->migrate({}));
  REQUIRE(run_until(loop, [&] { return world.media.size() == 60 * 188; }));
  CHECK(world.feed->engine_id() == "e3");
  world.feed->abandon();
}

TEST_CASE("an engine that tells nothing any more is not believed for what it told", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, ""};
  second.scripted.on("/ace/getstream", [](auto& c) { c.answer(500, "no"); });
  PlayingEngine third{loop, packets('3', 20)};
  bool is_mute = false;
  first.scripted.on("/ace/stat/", [&is_mute](auto& c) {
    if (is_mute) return;
    c.answer(200, R"({"response":{"status":"dl","peers":0,"speed_down":0},"error":null})");
    is_mute = true;
  });
  auto options = impatient();
  options.silence = 1500ms;
  options.stat_every = 100ms;
  FeedWorld world{
      loop, {first.scripted.port(), second.scripted.port(), third.scripted.port()}, options};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return !world.stats.empty(); }));
  REQUIRE(run_until(loop, [&] { return world.feed->engine_id() == "e3"; }));
  world.feed->abandon();
}
