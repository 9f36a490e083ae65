#include "workers/streams/session/engine_feed.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/integration/engines/scripted_engine.h"

using namespace std::chrono_literals;
using ace::Errc;
using ace::proto::ChunkPtr;
using ace::streams::EngineFailure;
using ace::streams::EngineFeed;
using ace::streams::FeedOptions;
using ace::test::run_for;
using ace::test::run_until;
using ace::test::ScriptedEngine;

namespace {

/// `count` packets that say who made them.
std::string packets(char maker, std::size_t count) {
  std::string made;
  for (std::size_t i = 0; i < count; ++i) made += '\x47' + std::string(187, maker);
  return made;
}

std::string session_json(const ScriptedEngine& engine) {
  return fmt::format(
      R"({{"response":{{"playback_url":"{}","stat_url":"{}","command_url":"{}",)"
      R"("playback_session_id":"s","infohash":"{}","is_live":1,"is_encrypted":0}},"error":null}})",
      engine.url("/ace/r/1/2"), engine.url("/ace/stat/1/2"), engine.url("/ace/cmd/1/2"),
      std::string(40, 'b'));
}

/// Plays what it is told on one session after the other; counts stops.
struct PlayingEngine {
  PlayingEngine(ace::loop::Loop& loop, std::string body) : scripted{loop} {
    scripted.on("/ace/getstream", [this](auto& c) { c.answer(200, session_json(scripted)); });
    scripted.on("/ace/r/", [this, body](auto& c) {
      c.send("HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n" + body);
      playback = &c;
    });
    scripted.on("/ace/cmd/", [](auto& c) { c.answer(200, R"({"response":"ok","error":null})"); });
  }
  [[nodiscard]] std::size_t sessions() const { return scripted.asked("/ace/getstream"); }
  [[nodiscard]] std::size_t stops() const { return scripted.asked("/ace/cmd/"); }

  ScriptedEngine scripted;
  ScriptedEngine::Connection* playback{};
};

struct World : EngineFeed::Listener {
  World(ace::loop::Loop& the_loop, const std::vector<std::uint16_t>& ports,
        FeedOptions options = {})
      : loop{the_loop} {
    std::vector<ace::engines::EngineAddress> engines;
    for (const auto port : ports) {
      ace::engines::EngineAddress engine;
      engine.host = "127.0.0.1";
      engine.port = port;
      engine.name = fmt::format("e{}", engines.size() + 1);
      engines.push_back(engine);
    }
    directory = ace::engines::EngineDirectory{std::move(engines)};
    options.chunk.max_age = 5ms;
    options.timeouts.connect = 500ms;
    feed = std::make_unique<EngineFeed>(
        curl, timers, clock, directory,
        ace::streams::FeedPorts{
            .load = [this](const ace::engines::EngineAddress& at) { return loads[at.id()]; },
            .may_command = [this] { return may_command; },
            .tail =
                [this] { return seen.empty() ? Tail{} : Tail{Chunk::copy_of(as_bytes(seen))}; }},
        *ace::proto::StreamId::parse(std::string(40, 'a')), options,
        static_cast<EngineFeed::Listener&>(*this));
  }
  void on_feed_choice(const std::string& engine_id) override { choices.push_back(engine_id); }
  void on_feed_open(const ace::engines::SessionInfo&) override { ++opened; }
  void on_feed_chunk(ChunkPtr chunk) override { media += ace::as_text(chunk->payload()); }
  void on_feed_silent(std::chrono::milliseconds) override { is_silent = true; }
  void on_feed_failed(const std::vector<EngineFailure>& why) override {
    failures = why;
    has_failed = true;
  }

  ace::loop::Loop& loop;
  ace::loop::UvTimerFactory timers{loop};
  ace::SystemClock clock;
  ace::curl::Multi curl{loop, timers};
  ace::engines::EngineDirectory directory;
  std::map<std::string, std::size_t> loads;
  std::unique_ptr<EngineFeed> feed;
  std::vector<std::string> choices;
  int opened{};
  std::string media;
  std::vector<EngineFailure> failures;
  bool has_failed{};
  bool is_silent{};
};

std::uint16_t closed_port() {
  ace::loop::Loop loop;
  const ScriptedEngine gone{loop};
  return gone.port();
}

}  // namespace

TEST_CASE("the least loaded engine is asked, and its packets come out whole", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, "junk" + packets('1', 50)};
  PlayingEngine second{loop, "junk" + packets('2', 50)};
  World world{loop, {first.scripted.port(), second.scripted.port()}};
  world.loads = {{"e1", 3}, {"e2", 1}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 50 * 188; }));
  CHECK(world.media == packets('2', 50));
  CHECK(world.choices == std::vector<std::string>{"e2"});
  CHECK(first.sessions() == 0);
  world.feed->stop();
  REQUIRE(run_until(loop, [&] { return second.stops() == 1; }));
}

TEST_CASE("an engine that refuses is followed by the next one", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine good{loop, packets('g', 20)};
  World world{loop, {closed_port(), good.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  CHECK(world.choices == std::vector<std::string>{"e1", "e2"});
  CHECK_FALSE(world.has_failed);
  world.feed->abandon();
}

TEST_CASE("when no engine can be reached all of them are named, within 3 s", "[feed]") {
  ace::loop::Loop loop;
  const ace::test::SilentPort silent;
  World world{loop, {closed_port(), silent.port()}};
  const auto asked_at = world.clock.now();
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.has_failed; }));
  CHECK(world.clock.now() - asked_at < 3s);
  REQUIRE(world.failures.size() == 2);
  CHECK(world.failures[0].engine_id == "e1");
  CHECK(world.failures[1].engine_id == "e2");
  for (const auto& failure : world.failures) CHECK(failure.error.code == Errc::Unavailable);
  CHECK(world.opened == 0);
}

TEST_CASE("a session that breaks off is stopped, and another one goes on", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine first{loop, packets('1', 20) + "\x47half a packet"};
  PlayingEngine second{loop, packets('2', 20)};
  World world{loop, {first.scripted.port(), second.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 20 * 188; }));
  first.playback->reset();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 40 * 188; }));
  // Nothing of the torn packet is glued to what follows.
  CHECK(world.media == packets('1', 20) + packets('2', 20));
  REQUIRE(run_until(loop, [&] { return first.stops() == 1; }));
  CHECK_FALSE(world.has_failed);
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
  world.feed->abandon();
}

TEST_CASE("a paused feed takes nothing from its engine, and loses nothing", "[feed]") {
  ace::loop::Loop loop;
  const auto body = packets('p', 40'000);
  PlayingEngine engine{loop, body};
  World world{loop, {engine.scripted.port()}};
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return !world.media.empty(); }));
  world.feed->pause(EngineFeed::PauseReason::RedisBacklog);
  run_for(loop, 100ms);
  const auto paused_at = world.media.size();
  run_for(loop, 100ms);
  CHECK(world.media.size() == paused_at);
  world.feed->resume(EngineFeed::PauseReason::RedisBacklog);
  REQUIRE(run_until(loop, [&] { return world.media.size() == body.size(); }));
  CHECK(world.media == body);
  world.feed->abandon();
}

TEST_CASE("an engine that drips is heard at the pace of chunks, and again after a silence",
          "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, packets('1', 3)};
  World world{loop, {engine.scripted.port()}};
  world.feed->start();
  std::string sent = packets('1', 3);
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
  run_for(loop, 400ms);  // less than the first pause
  CHECK(one.sessions() + two.sessions() == 2);
  world.feed->abandon();
}
