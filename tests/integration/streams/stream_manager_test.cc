#include "workers/streams/session/stream_manager.h"

#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/streams/stream_world.h"

using namespace ace;
using namespace ace::test;
using namespace std::chrono_literals;

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
  bool is_late = false;
  auto deadline = world.timers.make();
  deadline->once(5s, [&] { is_late = true; });
  while (world.is_followed(kFirst) && !is_late) world.loop.run_once(true);
  REQUIRE_FALSE(is_late);

  // In the same turn of the loop: what is to be cleaned up behind the first one is still there.
  const auto second = world.open(kSecond);
  world.chunks.run_one();
  CHECK(read_some(second).empty());
  world.chunks.run();
  CHECK(read_some(second) == kStreamHead + packet_of('b'));
}
