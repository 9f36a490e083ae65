#include "workers/streams/window/chunk_window.h"

#include <string>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using ace::SteadyTime;
using ace::proto::Chunk;
using ace::streams::ChunkWindow;
using ace::streams::WindowPosition;

namespace {

constexpr SteadyTime kStart{1'000s};

void push(ChunkWindow& window, std::uint64_t index, std::chrono::milliseconds at,
          std::size_t size = 188) {
  window.push({.epoch = {1},
               .index = {index},
               .chunk = Chunk::copy_of(ace::as_bytes(std::string(size, 'x'))),
               .arrived = kStart + at});
}

}  // namespace

TEST_CASE("places go on counting whatever leaves the window", "[window]") {
  ChunkWindow window{{.span = 1s, .bytes = 1U << 20U}};
  CHECK(window.edge() == WindowPosition{1});
  for (std::uint64_t i = 1; i <= 20; ++i) push(window, 100 + i, i * 100ms);
  CHECK(window.edge() == WindowPosition{21});
  CHECK(window.oldest() == WindowPosition{10});
  CHECK(window.at({9}) == nullptr);
  CHECK(window.at({21}) == nullptr);
  REQUIRE(window.at({10}) != nullptr);
  CHECK(window.at({10})->index.value == 110);
  window.clear();
  CHECK(window.edge() == WindowPosition{21});
  CHECK(window.at({20}) == nullptr);
  push(window, 1, 3s);
  CHECK(window.at({21}) != nullptr);
}

TEST_CASE("the window is bounded in bytes, but keeps the newest chunk", "[window]") {
  ChunkWindow window{{.span = 1h, .bytes = 1000}};
  for (std::uint64_t i = 1; i <= 10; ++i) push(window, i, 0ms, 376);
  CHECK(window.bytes() == 752);
  CHECK(window.oldest() == WindowPosition{9});
  push(window, 11, 0ms, 5000);
  CHECK(window.bytes() == 5000);
  CHECK(window.at({11}) != nullptr);
}

TEST_CASE("a client joins as far back as its burst reaches", "[window]") {
  ChunkWindow window{{.span = 10s, .bytes = 1U << 20U}};
  CHECK(window.join_position(5s) == window.edge());
  for (std::uint64_t i = 1; i <= 80; ++i) push(window, i, i * 100ms);
  CHECK(window.join_position(5s) == WindowPosition{30});
  CHECK(window.join_position(0ms) == WindowPosition{80});
  CHECK(window.join_position(1min) == WindowPosition{1});
}
