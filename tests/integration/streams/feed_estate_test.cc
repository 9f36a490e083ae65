// A running engine session passes from one feed to another.

#include <memory>
#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/streams/feed_world.h"

using namespace std::chrono_literals;
using ace::test::packets;
using ace::test::PlayingEngine;
using ace::test::run_for;
using ace::test::run_until;
using World = ace::test::FeedWorld;

namespace {

/// Packets of one maker, numbered by their filling, so that a lost one shows.
std::string run_of(char first, std::size_t count) {
  std::string made;
  for (std::size_t i = 0; i < count; ++i)
    made += packets(static_cast<char>(first + static_cast<char>(i)), 1);
  return made;
}

}  // namespace

TEST_CASE("a session passes to another feed in the middle of a packet", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, run_of('a', 10)};
  World old{loop, {engine.scripted.port()}};
  World heir{loop, {engine.scripted.port()}};
  old.feed->start();
  REQUIRE(run_until(loop, [&] { return old.media.size() == 10 * 188; }));
  const auto next = run_of('k', 4);
  const std::size_t cut = GENERATE(1U, 100U, 188U, 300U);
  engine.playback->send(next.substr(0, cut));
  run_for(loop, 20ms);

  REQUIRE(old.feed->rest());
  engine.playback->send(next.substr(cut, 50));  // comes while nobody reads
  run_for(loop, 20ms);
  REQUIRE(old.feed->rest());
  auto estate = old.feed->part();
  REQUIRE(estate);
  CHECK_FALSE(old.feed->part());
  CHECK(old.feed->engine_id().empty());
  heir.feed->inherit(std::move(*estate));
  CHECK(heir.feed->engine_id() == "e1");
  engine.playback->send(next.substr(cut + 50));
  const auto both = [&] { return old.media + heir.media; };
  REQUIRE(run_until(loop, [&] { return both().size() == 14 * 188; }));
  CHECK(both() == run_of('a', 14));

  engine.playback->send(run_of('o', 1));  // no mark of the old reader holds it back
  REQUIRE(run_until(loop, [&] { return both().size() == 15 * 188; }));
  CHECK(engine.sessions() == 1);
  CHECK(engine.playbacks() == 1);
  CHECK(engine.stops() == 0);
  CHECK(heir.opened == 0);
  CHECK(heir.choices.empty());

  old.feed->stop();
  run_for(loop, 20ms);
  CHECK(engine.stops() == 0);  // it is not the old one's any more
  heir.feed->stop();
  REQUIRE(run_until(loop, [&] { return engine.stops() == 1; }));
}

TEST_CASE("a feed at rest goes on when it stays after all", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, run_of('a', 10)};
  World world{loop, {engine.scripted.port()}};
  CHECK_FALSE(world.feed->rest());  // nothing flows yet
  world.feed->start();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 10 * 188; }));
  REQUIRE(world.feed->rest());
  engine.playback->send(run_of('k', 4));
  run_for(loop, 50ms);
  CHECK(world.media.size() == 10 * 188);
  world.feed->resume();
  REQUIRE(run_until(loop, [&] { return world.media.size() == 14 * 188; }));
  CHECK(world.media == run_of('a', 14));
}

TEST_CASE("an inherited session that breaks off is opened again", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine engine{loop, run_of('a', 10)};
  World old{loop, {engine.scripted.port()}};
  World heir{loop, {engine.scripted.port()}};
  old.feed->start();
  REQUIRE(run_until(loop, [&] { return old.media.size() == 10 * 188; }));
  REQUIRE(old.feed->rest());
  auto estate = old.feed->part();
  REQUIRE(estate);
  heir.feed->inherit(std::move(*estate));
  engine.playback->close();
  REQUIRE(run_until(loop, [&] { return engine.playbacks() == 2 && !heir.media.empty(); }));
  CHECK(engine.sessions() == 1);
}

TEST_CASE("a session of an engine that is no setting any more is ended", "[feed]") {
  ace::loop::Loop loop;
  PlayingEngine gone{loop, run_of('a', 10)};
  PlayingEngine stays{loop, run_of('A', 10)};
  World old{loop, {gone.scripted.port()}};
  World heir{loop, {stays.scripted.port()}};
  heir.directory = ace::engines::EngineDirectory{
      {{.host = "127.0.0.1", .port = stays.scripted.port(), .name = "another"}}};
  old.feed->start();
  REQUIRE(run_until(loop, [&] { return old.media.size() == 10 * 188; }));
  REQUIRE(old.feed->rest());
  auto estate = old.feed->part();
  REQUIRE(estate);
  heir.feed->inherit(std::move(*estate));
  REQUIRE(run_until(loop, [&] { return gone.stops() == 1 && heir.media.size() == 10 * 188; }));
  CHECK(heir.media == run_of('A', 10));
  CHECK(stays.sessions() == 1);
}
