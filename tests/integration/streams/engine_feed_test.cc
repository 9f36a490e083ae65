#include "workers/streams/session/engine_feed.h"

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/integration/streams/feed_world.h"

using namespace std::chrono_literals;
using ace::Errc;
using ace::host::EngineFault;
using ace::streams::EngineFeed;
using ace::streams::FeedOptions;
using ace::test::ClosedPort;
using ace::test::packets;
using ace::test::PlayingEngine;
using ace::test::run_for;
using ace::test::run_until;
using World = ace::test::FeedWorld;

TEST_CASE("the least loaded engine is asked, and its packets come out whole", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, "junk" + packets('1', 50)};
  PlayingEngine second{loop, "junk" + packets('2', 50)};
  World world{loop, {first.scripted.port(), second.scripted.port()}};
  world.selector.loads = {{"e1", 3}, {"e2", 1}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 50 * 188; }));
  CHECK(world.media == packets('2', 50));
  CHECK(world.choices == std::vector<std::string>{"e2"});
  using enum ace::streams::StartPhase;
  world.phases.erase(std::unique(world.phases.begin(), world.phases.end()), world.phases.end());
  CHECK(world.phases == std::vector<ace::streams::StartPhase>{Pick, Getstream, Headers, FirstByte});
  CHECK(first.sessions() == 0);
  world.feed->stop();
  REQUIRE(run_until(loop, [&] { return second.stops() == 1; }));
}

TEST_CASE("an engine that refuses is followed by the next one", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine good{loop, packets('g', 20)};
  const ClosedPort closed;
  World world{loop, {closed.port(), good.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK(world.choices == std::vector<std::string>{"e1", "e2"});
  CHECK(world.selector.told == std::vector<std::string>{"e1 failed", "e2 delivers"});
  CHECK_FALSE(world.has_failed);
  CHECK(world.selector.is_counted);
  world.feed->stop();
  CHECK_FALSE(world.selector.is_counted);
}

TEST_CASE("when no engine can be reached all of them are named, within 3 s", "[feed]") {
  ace::loop::Loop loop;
  const ace::test::SilentPort silent;
  const ClosedPort closed;
  World world{loop, {closed.port(), silent.port()}};
  const auto asked_at = world.clock.now();
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.has_failed; }));
  CHECK(world.clock.now() - asked_at < 3s);
  REQUIRE(world.failures.size() == 2);
  CHECK(world.failures[0].engine_id == "e1");
  CHECK(world.failures[1].engine_id == "e2");
  for (const auto& failure : world.failures) CHECK(failure.error.code == Errc::Unavailable);
  CHECK(world.opened == 0);
  CHECK(world.faults == std::vector(2, EngineFault::Connect));
}

TEST_CASE("a session that breaks off is stopped, and another one goes on", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20) + "\x47half a packet"};
  PlayingEngine second{loop, packets('2', 20)};
  World world{loop, {first.scripted.port(), second.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  first.end_session();
  first.playback->reset();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  // Nothing of the torn packet is glued to what follows.
  CHECK(world.media == packets('1', 20) + packets('2', 20));
  REQUIRE(run_until(loop, [&] { return first.stops() == 1; }));
  CHECK_FALSE(world.has_failed);
  // It was asked once more at its old url.
  CHECK(world.faults == std::vector{EngineFault::Broken, EngineFault::Adopt});
  world.feed->abandon();
}

TEST_CASE("a session that falls silent is given up", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20)};
  PlayingEngine second{loop, packets('2', 20)};
  FeedOptions options;
  options.unhealthy = 100ms;
  options.silence = 1500ms;
  World world{loop, {first.scripted.port(), second.scripted.port()}, options};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return second.sessions() == 1; }));
  CHECK(first.stops() <= 1);
  CHECK(world.is_silent);
  CHECK_FALSE(world.has_failed);
  CHECK(run_until(loop, [&] { return world.faults == std::vector{EngineFault::Stall}; }));
  world.feed->abandon();
}

TEST_CASE("a paused feed takes nothing from its engine, and loses nothing", "[feed]") {
  ace::loop::Loop loop;
  const auto body = packets('p', 40'000);
  PlayingEngine engine{loop, body};
  World world{loop, {engine.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return !world.media.empty(); }));
  world.feed->pause();
  run_for(loop, 100ms);
  const auto paused_at = world.media.size();
  run_for(loop, 100ms);
  CHECK(world.media.size() == paused_at);
  world.feed->resume();
  REQUIRE(run_until(loop, [&] { return world.media.size() == body.size(); }));
  CHECK(world.media == body);
  world.feed->abandon();
}

TEST_CASE("an engine that drips is heard at the pace of chunks, and again after a silence",
          "[feed]") {
  ace::loop::Loop loop;
  std::string sent = packets('1', 8);  // fewer prove no alignment
  PlayingEngine engine{loop, sent};
  World world{loop, {engine.scripted.port()}};
  world.feed->start();
  const auto all_there = [&] { return world.media == sent; };
  REQUIRE(run_until(loop, all_there));
  for (const char maker : {'2', '3', '4'}) {
    sent += packets(maker, 3);
    engine.playback->send(packets(maker, 3));
    REQUIRE(run_until(loop, all_there));
  }
  run_for(loop, 50ms);  // many chunks' ages long
  sent += packets('5', 3);
  engine.playback->send(packets('5', 3));
  CHECK(run_until(loop, all_there));
  world.feed->abandon();
}

TEST_CASE("nothing is said after abandon, and the session is left to its new owner", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  World world{loop, {engine.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.opened == 1; }));
  world.feed->abandon();
  const auto media = world.media;
  run_for(loop, 100ms);
  CHECK(world.media == media);
  CHECK(engine.stops() == 0);
}

TEST_CASE("an engine that sends junk delivers nothing, and the next one is asked", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine junk{loop, std::string(50'000, 'j')};
  PlayingEngine good{loop, packets('g', 20)};
  FeedOptions options;
  options.timeouts.first_byte = 500ms;
  World world{loop, {junk.scripted.port(), good.scripted.port()}, options};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK(junk.sessions() == 1);
  CHECK(world.faults == std::vector{EngineFault::FirstByte});
  CHECK(world.media == packets('g', 20));
  world.feed->abandon();
}

TEST_CASE("what has its sync bytes in the right places but no tables is no stream", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine junk{loop, std::string(500'000, '\x47')};
  PlayingEngine good{loop, "junk" + packets('p', 20).substr(188) + packets('g', 20)};
  FeedOptions options;
  options.timeouts.first_byte = 1500ms;
  World world{loop, {junk.scripted.port(), good.scripted.port()}, options};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK(world.faults == std::vector{EngineFault::FirstByte});
  CHECK(world.media == packets('g', 20));
  world.feed->abandon();
}

TEST_CASE("engines that deliver a little and break off are not asked without a pause", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine one{loop, packets('1', 20)};
  PlayingEngine two{loop, packets('2', 20)};
  for (auto* engine : {&one, &two}) {
    engine->scripted.on("/ace/r/", [](auto& c) {
      c.send("HTTP/1.1 200 OK\r\n\r\n" + packets('x', 20));
      c.close();
    });
  }
  World world{loop, {one.scripted.port(), two.scripted.port()}};
  world.feed->start();
  const auto sessions = [&] { return one.sessions() + two.sessions(); };
  REQUIRE(run_until(loop, [&] { return sessions() == 2; }));
  run_for(loop, 400ms);  // less than the first pause
  CHECK(sessions() == 2);
  world.feed->abandon();
}

TEST_CASE("while a session plays, its engine is asked how it does", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  int asked = 0;
  engine.scripted.on("/ace/stat/", [&](auto& c) {
    // The second time it talks nonsense, which is no news.
    c.answer(200, ++asked == 2 ? "{" : R"({"response":{"status":"dl","peers":"7"},"error":null})");
  });
  FeedOptions options;
  options.stat_every = 20ms;
  World world{loop, {engine.scripted.port()}, options};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return asked >= 4; }));
  REQUIRE(run_until(loop, [&] { return world.stats.size() >= 3; }));
  CHECK(world.stats.front().status == "dl");
  CHECK(world.stats.front().peers == 7);
  world.feed->stop();
  const auto told = world.stats.size();
  const auto stopped = asked;
  REQUIRE(run_until(loop, [&] { return engine.stops() == 1; }));
  run_for(loop, 100ms);
  CHECK(world.stats.size() == told);
  CHECK(asked <= stopped + 1);  // one may have been on its way
}
