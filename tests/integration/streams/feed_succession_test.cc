// An engine feed that goes on where another owner, or an earlier session, has left off.

#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/streams/feed_world.h"
#include "tests/support/viewers/numbered_checker.h"
#include "tests/support/viewers/numbered_ts.h"

using namespace std::chrono_literals;
using ace::engines::SessionInfo;
using ace::streams::FeedOptions;
using ace::test::FeedWorld;
using ace::test::packets;
using ace::test::PlayingEngine;
using ace::test::run_for;
using ace::test::run_until;
using ace::test::ScriptedEngine;

namespace {

/// As the owner before told it: by another address than ours, which is not to be believed.
SessionInfo left_behind(const std::string& engine_id = "e1") {
  SessionInfo info;
  info.engine_id = engine_id;
  info.host = "192.0.2.1";
  info.port = 9;
  info.playback_url = "http://192.0.2.1:9/ace/r/old/1";
  info.command_url = "http://192.0.2.1:9/ace/cmd/old/1";
  return info;
}

std::string numbered(std::uint64_t first, std::uint64_t last) {
  const ace::test::NumberedStream stream{std::string(40, 'b'), 2'000'000};
  std::string bytes((last - first) * ace::test::kTsPacketSize, '\0');
  for (auto seq = first; seq < last; ++seq) {
    auto* at =
        reinterpret_cast<std::byte*>(bytes.data()) + (seq - first) * ace::test::kTsPacketSize;
    stream.make(seq, std::span<std::byte, ace::test::kTsPacketSize>{at, ace::test::kTsPacketSize});
  }
  return bytes;
}

void play(PlayingEngine& engine, const std::string& body) {
  engine.scripted.on("/ace/r/", [&engine, body](auto& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + body);
    engine.playback = &c;
  });
}

}  // namespace

TEST_CASE("a session that was left running is gone on with", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  FeedOptions options;
  options.adopt = 2s;
  FeedWorld world{loop, {engine.scripted.port()}, options};
  world.feed->start(left_behind());
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK(world.opened == 1);
  CHECK(engine.sessions() == 0);
  CHECK(engine.scripted.asked("/ace/r/old/1") == 1);
  run_for(loop, 2500ms);  // longer than an adoption may take
  CHECK(world.choices.empty());
  world.feed->stop();
  REQUIRE(run_until(loop, [&] { return engine.scripted.asked("/ace/cmd/old/1") == 1; }));
}

TEST_CASE("a session that is gone is followed by a new one on the same engine", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  engine.scripted.on("/ace/r/old", [](auto& c) { c.answer(500, "KeyError"); });
  FeedWorld world{loop, {engine.scripted.port()}};
  world.feed->start(left_behind());
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK(world.choices == std::vector<std::string>{"e1"});
  CHECK(engine.sessions() == 1);
  CHECK(engine.scripted.asked("/ace/cmd/old/1") == 1);
  CHECK_FALSE(world.has_failed);
  world.feed->abandon();
}

TEST_CASE("a session that stays silent, or sends junk, is stopped soon", "[feed]") {
  const auto answer =
      GENERATE(as<std::string>{}, "", "HTTP/1.1 200 OK\r\n\r\n" + std::string(5000, 'j'));
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  engine.scripted.on("/ace/r/old", [answer](auto& c) { c.send(answer); });
  FeedWorld world{loop, {engine.scripted.port()}, FeedOptions{}};
  world.feed->start(left_behind());
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK(engine.scripted.asked("/ace/cmd/old/1") == 1);
  CHECK(world.faults == std::vector{ace::host::EngineFault::Adopt});
  CHECK(world.opened == 1);
  world.feed->abandon();
}

TEST_CASE("a session of an engine that is none of ours is not played", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  FeedWorld world{loop, {engine.scripted.port()}};
  world.feed->start(left_behind("somebody's"));
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK(engine.scripted.asked("/ace/r/old") == 0);
  CHECK(engine.scripted.asked("/ace/cmd/old") == 0);
  world.feed->abandon();
}

TEST_CASE("who may not command an engine tells it nothing, and reads on", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  FeedWorld world{loop, {engine.scripted.port()}};
  world.may_command = false;
  world.feed->start(left_behind());
  run_for(loop, 300ms);
  CHECK(engine.scripted.asked("/ace/") == 0);
  world.may_command = true;
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));

  world.may_command = false;
  engine.playback->send(packets('1', 20));
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  engine.scripted.on("/ace/r/old", [](auto& c) { c.answer(404, "gone"); });
  engine.playback->reset();
  run_for(loop, 600ms);
  CHECK(engine.sessions() == 0);
  CHECK(engine.stops() == 0);
  world.may_command = true;
  REQUIRE(run_until(loop, [&] { return world.opened == 2 && engine.stops() == 1; }));
  world.may_command = false;
  world.feed->stop();
  run_for(loop, 100ms);
  CHECK(engine.stops() == 1);
}

TEST_CASE("a session that somebody may have taken is not stopped, only one that is being read",
          "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 20)};
  FeedWorld world{loop, {engine.scripted.port()}};
  world.may_stop = false;
  world.feed->start({});
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  engine.playback->reset();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  CHECK(engine.sessions() == 2);
  CHECK(engine.stops() == 0);
  world.feed->stop();
  REQUIRE(run_until(loop, [&] { return engine.stops() == 1; }));
}

TEST_CASE("viewers see no repeat when a session comes again", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, ""};
  play(engine, numbered(1007, 1507));  // from a PAT on, as it begins
  FeedWorld world{loop, {engine.scripted.port()}};
  world.is_spliced = true;
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 500 * 188; }));
  play(engine, numbered(900, 1800));
  engine.playback->reset();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 793 * 188; }));
  CHECK(world.media == numbered(1007, 1800));
  // By its playback url: the session itself had not ended.
  CHECK(engine.sessions() == 1);
  CHECK(engine.stops() == 0);
  world.feed->abandon();
}

TEST_CASE("what another owner has shown is spliced onto as well", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, ""};
  play(engine, numbered(4000, 9000));
  FeedWorld world{loop, {engine.scripted.port()}};
  world.is_spliced = true;
  world.seen = numbered(1000, 1500);
  world.feed->start(left_behind());
  REQUIRE(run_until(loop, [&] { return world.media.size() > 2000 * 188; }));
  ace::test::NumberedChecker checker;
  checker.feed(ace::as_bytes(world.seen + world.media), {});
  CHECK(checker.is_clean());
  CHECK(checker.counts().marked_skips == 1);
  CHECK(checker.counts().markers == 1);
  world.feed->abandon();
}

TEST_CASE("a stream that viewers have seen is not given up at the first failure", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, ""};
  play(engine, numbered(1500, 1800));
  int refusals = 1;
  engine.scripted.on("/ace/getstream", [&](auto& c) {
    if (refusals-- > 0) return c.answer(500, "not now");
    c.answer(200, ace::test::session_json(engine.scripted));
  });
  FeedWorld world{loop, {engine.scripted.port()}};
  world.is_spliced = true;
  world.seen = numbered(1000, 1600);
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return !world.media.empty(); }));
  CHECK_FALSE(world.has_failed);
  CHECK(world.media == numbered(1600, 1800));
  world.feed->abandon();
}

TEST_CASE("a session that brings too little to be spliced is not held for ever", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 8)};
  FeedWorld world{loop, {engine.scripted.port()}};
  world.is_spliced = true;
  world.seen = numbered(1000, 1100);
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 9 * 188; }));  // and a marker
  CHECK(world.media.starts_with(packets('1', 1)));
  CHECK(world.media.ends_with(packets('1', 8).substr(188)));
  world.feed->abandon();
}
