#include "workers/streams/session/stream_manager.h"

#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/streams/stream_world.h"

using namespace ace;
using namespace ace::test;

TEST_CASE("a chunk of a stream that was left is no later stream's", "[stream_manager]") {
  StreamWorld world;
  auto& table = world.host->ownership();
  for (const auto& id : {kFirst, kSecond}) {
    REQUIRE(table.acquire(world.host->scoreboard(), id, world.neighbour));
  }
  world.chunks.index = 1;
  world.chunks.values[proto::StreamKeys{kFirst}.chunk({1})] = packet_of('a');
  world.chunks.values[proto::StreamKeys{kSecond}.chunk({1})] = packet_of('b');

  auto first = world.open(kFirst);
  world.chunks.run_one();  // where the stream stands; its chunk is asked for now
  REQUIRE(world.chunks.pending() == 1);
  first.reset();
  world.run_until([&] { return !world.is_followed(kFirst); });

  // In the same turn of the loop: what is to be cleaned up behind the first one is still there.
  const auto second = world.open(kSecond);
  world.chunks.run_one();
  CHECK(read_some(second).empty());
  world.chunks.run();
  CHECK(read_some(second) == kStreamHead + packet_of('b'));
}

TEST_CASE("a stream is gone with the last viewer who got its rest", "[stream_manager]") {
  StreamWorld world;
  REQUIRE(world.host->ownership().acquire(world.host->scoreboard(), kFirst, world.neighbour));
  world.chunks.index = 1;
  world.chunks.values[proto::StreamKeys{kFirst}.chunk({1})] = packet_of('a');
  auto viewer = world.open(kFirst);
  world.chunks.run();
  REQUIRE(read_some(viewer) == kStreamHead + packet_of('a'));

  world.manager.shut_down();
  world.run_until([&] { return world.manager.size() == 0; });
  CHECK_FALSE(world.manager.is_empty());  // its answer has ended, its connection has not
  viewer.reset();
  world.run_until([&] { return world.manager.is_empty(); });
}
