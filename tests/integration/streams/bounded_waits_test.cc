// Whatever a viewer waits for, there is an answer.

#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/streams/stream_world.h"
#include "workers/streams/session/start_failure.h"

using namespace ace;
using namespace ace::test;
using namespace std::chrono_literals;

namespace {

struct Waits : StreamWorld {
  /// A viewer that is told the failure's code.
  UniqueFd wait_for(const proto::StreamId& id) {
    auto [viewer, client] = new_viewer();
    viewer.refusal = [](const streams::StartFailure& failure) { return failure.code; };
    manager.open(id, std::move(viewer));
    return std::move(client);
  }
  void pass(std::chrono::milliseconds time) {
    clock.advance(time);
    redis_heard = clock.now();  // it answers, but says nothing of use
    manager.tick();
    for (int i = 0; i < 5; ++i) loop.run_once(false);
  }
};

}  // namespace

TEST_CASE("a claim that is never answered has an end for its viewers", "[bounded_waits]") {
  Waits world;
  const auto viewer = world.wait_for(kFirst);
  world.pass(14s);
  CHECK(read_some(viewer).empty());
  world.pass(3s);
  CHECK(read_some(viewer) == "no_owner");
  world.run_until([&] { return world.manager.size() == 0; });
}

TEST_CASE("a follower that gets nothing answers who waits", "[bounded_waits]") {
  Waits world;
  REQUIRE(world.host->ownership().acquire(world.host->scoreboard(), kFirst, world.neighbour));
  const auto first = world.wait_for(kFirst);
  world.pass(10s);
  const auto second = world.wait_for(kFirst);
  world.pass(7s);
  CHECK(read_some(first) == "owner_silent");
  CHECK(read_some(second).empty());  // it came later
  world.pass(10s);
  CHECK(read_some(second) == "owner_silent");
}

TEST_CASE("a follower whose stream stands still ends as an owner's would", "[bounded_waits]") {
  Waits world;
  REQUIRE(world.host->ownership().acquire(world.host->scoreboard(), kFirst, world.neighbour));
  world.chunks.index = 1;
  world.chunks.values[proto::StreamKeys{kFirst}.chunk({1})] = packet_of('a');
  const auto viewer = world.open(kFirst);
  world.chunks.run();
  REQUIRE(read_some(viewer) == kStreamHead + packet_of('a'));
  world.pass(4min);
  static_cast<void>(read_some(viewer));  // null packets
  CHECK(world.manager.size() == 1);
  world.pass(2min);
  world.run_until([&] { return world.manager.size() == 0; });
}

TEST_CASE("viewers go to the owner's worker when Redis is full", "[bounded_waits]") {
  Waits world;
  REQUIRE(world.host->ownership().acquire(world.host->scoreboard(), kFirst, world.neighbour));
  world.chunks.index = 1;
  world.chunks.values[proto::StreamKeys{kFirst}.chunk({1})] = packet_of('a');
  const auto viewer = world.open(kFirst);
  world.chunks.run();
  REQUIRE(read_some(viewer) == kStreamHead + packet_of('a'));
  const auto followed = [&] { return world.manager.clients_of(kFirst).size(); };
  world.pass(500ms);
  CHECK(followed() == 1);
  // The owner has found no room for the second chunk, and skipped it.
  world.chunks.index = 2;
  world.host->scoreboard().slots[world.neighbour.slot].unstored_streams = 1;
  world.redis_heard = world.clock.now();
  world.run_until([&] {
    world.chunks.run();
    return followed() == 0;
  });
  CHECK(world.handover.in_flight() == 1);
}
