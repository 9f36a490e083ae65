// How long viewers of a stream that has brought nothing wait, and what they are told then.

#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/streams/feed_world.h"

using namespace std::chrono_literals;
using ace::Errc;
using ace::streams::FeedOptions;
using ace::test::FeedWorld;
using ace::test::packets;
using ace::test::PlayingEngine;
using ace::test::run_until;
using Catch::Contains;

namespace {

FeedOptions short_start() {
  FeedOptions options;
  options.start = 4s;
  return options;
}

void never_answer(PlayingEngine& engine) {
  engine.scripted.on("/ace/getstream", [](auto&) {});
}
void never_play(PlayingEngine& engine) {
  engine.scripted.on("/ace/r/", [&engine](auto& c) { engine.playback = &c; });
}

}  // namespace

TEST_CASE("engines that say nothing are given up together, and each is named", "[feed_start]") {
  ace::loop::Loop loop;
  PlayingEngine one{loop, ""};
  PlayingEngine two{loop, ""};
  PlayingEngine three{loop, ""};
  for (auto* engine : {&one, &two, &three}) never_answer(*engine);
  FeedWorld world{
      loop, {one.scripted.port(), two.scripted.port(), three.scripted.port()}, short_start()};
  const auto asked_at = world.clock.now();
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.has_failed; }));
  CHECK(world.clock.now() - asked_at <= 4s);
  CHECK(three.sessions() == 1);
  REQUIRE(world.failures.size() == 3);
  for (const auto& failure : world.failures) {
    CHECK(failure.error.code == Errc::Timeout);
    CHECK_THAT(failure.error.text, Contains("getstream: no answer in"));
  }
}

TEST_CASE("what somebody has waited before counts", "[feed_start]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, ""};
  never_answer(engine);
  FeedWorld world{loop, {engine.scripted.port()}, short_start()};
  const auto asked_at = world.clock.now();
  world.feed->start({}, 3s);
  REQUIRE(run_until(loop, [&] { return world.has_failed; }));
  CHECK(world.clock.now() - asked_at <= 1s);
}

TEST_CASE("who waits in vain is told how far the engine got", "[feed_start]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, ""};
  engine.scripted.on("/ace/stat/", [](auto& c) {
    c.answer(200, R"({"response":{"status":"prebuf","peers":3,"speed_down":0},"error":null})");
  });
  std::string reached;
  SECTION("no head of the answer") {
    never_play(engine);
    reached = "e1: headers: nothing in";
  }
  SECTION("no byte") { reached = "e1: first byte: nothing in"; }
  FeedWorld world{loop, {engine.scripted.port()}, short_start()};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.has_failed; }));
  REQUIRE(world.failures.size() == 1);
  CHECK_THAT(world.failures[0].error.text, Contains(reached));
  CHECK_THAT(world.failures[0].error.text, Contains("its swarm: 3 peers, 0 KB/s"));
  CHECK(run_until(loop, [&] { return engine.stops() == 1; }));
}

TEST_CASE("a second engine is asked early, and plays", "[feed_start]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, ""};
  PlayingEngine second{loop, packets('2', 20)};
  SECTION("beside one that has not answered") { never_answer(first); }
  SECTION("beside one that prebuffers") { never_play(first); }
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port()}, short_start()};
  const auto asked_at = world.clock.now();
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media == packets('2', 20); }));
  CHECK(world.clock.now() - asked_at < 3s);
  CHECK(world.feed->engine_id() == "e2");
  world.feed->abandon();
}

TEST_CASE("two engines that prebuffer are waited for, and the first to play is watched",
          "[feed_start]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, ""};
  PlayingEngine second{loop, ""};
  PlayingEngine third{loop, packets('3', 20)};
  never_play(first);
  never_play(second);
  FeedWorld world{
      loop, {first.scripted.port(), second.scripted.port(), third.scripted.port()}, short_start()};
  const auto asked_at = world.clock.now();
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.clock.now() - asked_at > 2500ms; }));
  first.playback->send("HTTP/1.1 200 OK\r\n\r\n" + packets('1', 20));
  REQUIRE(run_until(loop, [&] { return world.media == packets('1', 20); }));
  CHECK(third.sessions() == 0);
  CHECK(run_until(loop, [&] { return second.stops() == 1; }));
  CHECK(first.stops() == 0);
  world.feed->abandon();
}

TEST_CASE("what is no stream is named within two seconds of its first byte", "[feed_start]") {
  ace::loop::Loop loop;
  std::string body;
  std::string words;
  auto code = Errc::Protocol;
  SECTION("another container") {
    body = std::string(
               "\0\0\0\x18"
               "ftypmp42",
               12) +
           std::string(100'000, '\x11');
    words = "first byte: no MPEG-TS but bytes that begin with 00 00 00 18";
  }
  SECTION("packets without a PAT") {
    body = packets('x', 1'000).substr(188);
    words = "first byte: MPEG-TS without a PAT";
  }
  SECTION("a text without an end") {
    body = "#EXTM3U\n#EXT-X-VERSION:3\n";
    words = "first byte: no MPEG-TS but a playlist: #EXTM3U #EXT-X-VERSION:3";
    code = Errc::Refused;
  }
  PlayingEngine engine{loop, body};
  FeedWorld world{loop, {engine.scripted.port()}};
  const auto asked_at = world.clock.now();
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.has_failed; }));
  CHECK(world.clock.now() - asked_at < 2500ms);
  REQUIRE(world.failures.size() == 1);
  CHECK(world.failures[0].error.code == code);
  CHECK_THAT(world.failures[0].error.text, Contains(words));
}

TEST_CASE("a text that ends is told at once", "[feed_start]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, ""};
  engine.scripted.on("/ace/r/", [](auto& c) {
    c.answer(200, R"({"response":null,"error":"this content is not allowed"})");
  });
  FeedWorld world{loop, {engine.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.has_failed; }));
  REQUIRE(world.failures.size() == 1);
  CHECK(world.failures[0].error.code == Errc::Refused);
  CHECK_THAT(world.failures[0].error.text,
             Contains("first byte: no MPEG-TS but this content is not allowed"));
}

TEST_CASE("a session that turns to junk is replaced soon", "[feed_start]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, packets('2', 20)};
  FeedWorld world{loop, {first.scripted.port(), second.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media == packets('1', 20); }));
  const auto broke_at = world.clock.now();
  first.playback->send(std::string(100'000, 'j'));
  REQUIRE(run_until(loop, [&] { return world.media.ends_with(packets('2', 20)); }));
  CHECK(world.clock.now() - broke_at < 2500ms);
  world.feed->abandon();
}

TEST_CASE("who finds every engine full waits a little for room", "[feed_start]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  FeedWorld world{loop, {}};
  SECTION("and gets it") {
    world.selector.grants_room = 100;
    world.feed->start();
    REQUIRE(run_until(loop, [&] { return world.selector.room_asks == 2; }));
    ace::engines::EngineAddress free;
    free.host = "127.0.0.1";
    free.port = engine.scripted.port();
    world.directory.set(ace::engines::EngineSource::Settings, {free});
    REQUIRE(run_until(loop, [&] { return world.media == packets('1', 20); }));
    world.feed->abandon();
  }
  SECTION("or not") {
    world.selector.grants_room = 100;
    const auto asked_at = world.clock.now();
    world.feed->start();
    REQUIRE(run_until(loop, [&] { return world.has_failed; }));
    CHECK(world.clock.now() - asked_at < 3s);
    REQUIRE(world.failures.size() == 1);
    CHECK(world.failures[0].error.code == Errc::Busy);
  }
  SECTION("but not where nobody could leave") {
    world.feed->start();
    REQUIRE(run_until(loop, [&] { return world.has_failed; }));
    CHECK(world.selector.room_asks == 1);
  }
}
