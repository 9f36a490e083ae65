#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/integration/streams/stream_world.h"
#include "workers/streams/session/broadcast.h"

using namespace ace;
using namespace ace::test;
using namespace std::chrono_literals;

namespace {

struct Quiet final : streams::Viewers::Listener {
  void on_viewer_left() override {}
  void on_join_refused() override {}
};

void push(streams::Broadcast& to, std::uint64_t index, char stream) {
  to.push({500}, {index}, proto::Chunk::copy_of(as_bytes(packet_of(stream))),
          clients::Opening::Anything);
  to.on_stored({{500}, {index}});
}

}  // namespace

TEST_CASE("who goes on to another stream leaves the first one altogether", "[viewers]") {
  StreamWorld world;
  world.options.window.chunks = 1;
  Quiet quiet;
  auto first = std::make_unique<streams::Broadcast>(world.services, kFirst, quiet);
  streams::Broadcast second{world.services, kSecond, quiet};
  for (std::uint64_t index = 1; index <= 3; ++index) push(*first, index, 'a');
  world.chunks.values[proto::StreamKeys{kFirst}.chunk({1})] = packet_of('a');
  push(second, 1, 'b');

  // It wants to begin with what has left memory, and is asked for at Redis.
  auto [viewer, client] = world.new_viewer();
  viewer.delay = 1min;
  first->viewers().add(std::move(viewer));
  REQUIRE(world.chunks.pending() == 1);
  REQUIRE(first->viewers().all_waiting());
  auto moved = first->viewers().release_waiting();
  REQUIRE(moved.size() == 1);

  SECTION("which goes on") {
    second.viewers().add(std::move(moved[0]));
    world.chunks.run();
    CHECK(read_some(client) == kStreamHead + packet_of('b'));
    push(second, 2, 'b');
    CHECK(read_some(client) == packet_of('b'));
  }
  SECTION("which ends before it comes there") {
    first.reset();
    second.viewers().add(std::move(moved[0]));
    CHECK(read_some(client) == kStreamHead + packet_of('b'));
  }
  SECTION("which ends, and it comes nowhere") {
    first.reset();
    moved.clear();
    CHECK(read_some(client).empty());
  }
}

TEST_CASE("who was refused is offered again after a pause, however often", "[viewers]") {
  const auto refusals = GENERATE(as<std::uint8_t>{}, 0, 1, 2, 7, 8, 100, 255);
  CAPTURE(refusals);
  StreamWorld world;
  Quiet quiet;
  streams::Broadcast broadcast{world.services, kFirst, quiet};
  auto [viewer, client] = world.new_viewer();
  viewer.hops = refusals;
  viewer.request = "GET";
  broadcast.viewers().add(std::move(viewer));
  const bool is_watching = GENERATE(true, false);
  if (is_watching) {
    push(broadcast, 1, 'a');
    REQUIRE(read_some(client) == kStreamHead + packet_of('a'));
  }

  const auto release = [&] { return broadcast.viewers().release(streams::Release::All, 32); };
  if (refusals > 0) {
    CHECK(release().empty());
    world.clock.advance(refusals == 1 ? 20ms : 1s);
  }
  const auto released = release();
  REQUIRE(released.size() == 1);
  CHECK(released[0].watching.has_value() == is_watching);
  CHECK(released[0].request == (is_watching ? "" : "GET"));
}
