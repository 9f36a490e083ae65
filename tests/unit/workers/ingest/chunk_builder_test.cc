#include "workers/streams/ingest/chunk_builder.h"

#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/clock/fake_timers.h"

using namespace std::chrono_literals;
using ace::as_bytes;
using ace::as_text;
using ace::proto::ChunkPtr;
using ace::proto::kTsPacketSize;
using ace::streams::ChunkBuilder;
using ace::streams::ChunkLimits;
using ace::test::FakeTimers;
using ace::test::ManualClock;

namespace {

std::string packets(std::size_t count, char fill = 'p') {
  return std::string(count * kTsPacketSize, fill);
}

struct Bench final : ChunkBuilder::Listener {
  explicit Bench(ChunkLimits limits = {.max_bytes = 4 * kTsPacketSize + 100, .max_age = 100ms})
      : builder{limits, timers, *this} {}

  void on_chunk(ChunkPtr chunk) override {
    chunks.push_back(std::move(chunk));
    if (then) then();
  }
  void on_chunk_due() override {
    if (fetch) fetch();
  }
  void add(std::string_view text) { builder.add(as_bytes(text)); }

  ManualClock clock;
  FakeTimers timers{clock};
  std::vector<ChunkPtr> chunks;
  std::function<void()> then;
  std::function<void()> fetch;  ///< what waits elsewhere when a chunk is due
  ChunkBuilder builder;
};

}  // namespace

TEST_CASE("a chunk is cut when it is full, at a whole packet", "[ingest]") {
  Bench bench;
  bench.add(packets(3));
  CHECK(bench.chunks.empty());
  bench.add(packets(2, 'q'));
  REQUIRE(bench.chunks.size() == 1);
  CHECK(as_text(bench.chunks[0]->payload()) == packets(3) + packets(1, 'q'));
  CHECK(bench.builder.waiting_bytes() == kTsPacketSize);
}

TEST_CASE("a burst far above the limit becomes many full chunks in order", "[ingest]") {
  Bench bench;
  std::string burst;
  for (char fill = 'a'; fill < 'k'; ++fill) burst += packets(1, fill);
  bench.add(packets(1, 'Z'));
  bench.add(burst);
  bench.builder.flush();
  std::string all;
  for (const auto& chunk : bench.chunks) all += as_text(chunk->payload());
  CHECK(all == packets(1, 'Z') + burst);
  REQUIRE(bench.chunks.size() == 3);
  CHECK(bench.chunks[1]->size() == 4 * kTsPacketSize);
}

TEST_CASE("a chunk is cut when its oldest byte is old", "[ingest]") {
  Bench bench;
  bench.add(packets(1));
  bench.timers.advance(60ms);
  bench.add(packets(1, 'q'));  // the age counts from the first byte, not from the last
  bench.timers.advance(39ms);
  CHECK(bench.chunks.empty());
  bench.timers.advance(1ms);
  REQUIRE(bench.chunks.size() == 1);
  CHECK(bench.chunks[0]->size() == 2 * kTsPacketSize);
}

TEST_CASE("the timer runs while bytes come, and rests when none do", "[ingest]") {
  Bench bench;
  CHECK(bench.timers.armed() == 0);
  bench.add(packets(4));  // straight through: what comes next may wait unseen at its source
  CHECK(bench.timers.armed() == 1);
  bench.add(packets(1));
  bench.timers.advance(100ms);
  CHECK(bench.chunks.size() == 2);
  CHECK(bench.timers.armed() == 1);
  bench.timers.advance(100ms);
  CHECK(bench.timers.armed() == 0);
  CHECK(bench.chunks.size() == 2);
}

TEST_CASE("what waits at its source is fetched when a chunk is due, before it is cut", "[ingest]") {
  Bench bench;
  bench.fetch = [&] { bench.add(packets(2, 'q')); };
  bench.add(packets(1));
  bench.timers.advance(100ms);
  REQUIRE(bench.chunks.size() == 1);
  CHECK(as_text(bench.chunks[0]->payload()) == packets(1) + packets(2, 'q'));
  // Nobody saw a first byte, and still no byte is older than a chunk may be.
  bench.timers.advance(100ms);
  REQUIRE(bench.chunks.size() == 2);
  CHECK(as_text(bench.chunks[1]->payload()) == packets(2, 'q'));
}

TEST_CASE("a session may be lost while its bytes are being fetched", "[ingest]") {
  Bench bench;
  bench.fetch = [&] { bench.builder.discard(); };
  bench.add(packets(1));
  bench.timers.advance(100ms);
  CHECK(bench.chunks.empty());
  CHECK(bench.timers.armed() == 0);
}

TEST_CASE("the end of a session yields what waits, once", "[ingest]") {
  Bench bench;
  bench.add(packets(1));
  bench.builder.flush();
  bench.builder.flush();
  CHECK(bench.chunks.size() == 1);
  bench.timers.advance(1s);
  CHECK(bench.chunks.size() == 1);
}

TEST_CASE("a lost session's bytes are forgotten, even in the middle of a burst", "[ingest]") {
  Bench bench;
  bench.then = [&] { bench.builder.discard(); };
  bench.add(packets(9));
  CHECK(bench.chunks.size() == 1);
  CHECK(bench.builder.waiting_bytes() == 0);
  CHECK(bench.timers.armed() == 0);
}

TEST_CASE("a limit below one packet still makes chunks of one packet", "[ingest]") {
  Bench bench{{.max_bytes = 1, .max_age = 100ms}};
  bench.add(packets(2));
  CHECK(bench.chunks.size() == 2);
}
