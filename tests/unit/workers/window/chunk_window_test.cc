#include "workers/streams/window/chunk_window.h"

#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using ace::SteadyTime;
using ace::proto::Chunk;
using ace::proto::RandomAccessPoint;
using ace::streams::ChunkPrint;
using ace::streams::ChunkWindow;
using ace::streams::WindowPosition;

namespace {

constexpr SteadyTime kStart{1'000s};

void push(ChunkWindow& window, std::uint64_t index, std::chrono::milliseconds at,
          std::size_t size = 188, std::uint64_t epoch = 1) {
  window.push({.epoch = {epoch},
               .index = {index},
               .chunk = Chunk::copy_of(ace::as_bytes(std::string(size, 'x'))),
               .arrived = kStart + at,
               .media_time = {},
               .random_access = {}});
}

/// Chunk `index` a tenth of a second after the one before.
void push_tenth(ChunkWindow& window, std::uint64_t index, bool is_entry, std::size_t size = 188) {
  window.push({.epoch = {1},
               .index = {index},
               .chunk = Chunk::copy_of(ace::as_bytes(std::string(size, 'x'))),
               .arrived = kStart + index * 100ms,
               .media_time = {},
               .random_access = is_entry ? std::make_shared<RandomAccessPoint>() : nullptr});
  window.on_stored({.epoch = {1}, .index = {index}});
}

/// Chunks first to last of one epoch.
void push_run(ChunkWindow& window, std::uint64_t epoch, std::uint64_t first, std::uint64_t last) {
  for (auto i = first; i <= last; ++i) push(window, i, 0ms, 188, epoch);
}

/// The index of the chunk that follows; 0 for the edge.
std::optional<std::uint64_t> next_after(const ChunkWindow& window, std::uint64_t epoch,
                                        std::uint64_t index) {
  const auto position = window.behind({.epoch = {epoch}, .index = {index}});
  if (!position) return std::nullopt;
  if (*position == window.edge()) return 0;
  return window.at(*position)->index.value;
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
  CHECK(window.position_behind(5s) == window.edge());
  for (std::uint64_t i = 1; i <= 80; ++i) push(window, i, i * 100ms);
  CHECK(window.position_behind(5s) == WindowPosition{30});
  CHECK(window.position_behind(0ms) == WindowPosition{80});
  CHECK(window.position_behind(1min) == WindowPosition{1});
}

TEST_CASE("who joins begins at a random access point of the burst, by media time", "[window]") {
  ChunkWindow window{{.span = 100s, .bytes = 1U << 20U}};
  // All of it came within a moment, as engines deliver at the start: 20 s of media.
  const auto add = [&](std::chrono::seconds media, bool is_entry) {
    window.push({.epoch = {1},
                 .index = {static_cast<std::uint64_t>(media.count())},
                 .chunk = Chunk::copy_of(ace::as_bytes(std::string(188, 'x'))),
                 .arrived = kStart,
                 .media_time = media,
                 .random_access = is_entry ? std::make_shared<RandomAccessPoint>() : nullptr});
  };
  const auto joins_at = [&](std::chrono::milliseconds burst) {
    return window.at(*window.entry_within(burst))->index.value;
  };
  for (int i = 1; i <= 20; ++i) add(std::chrono::seconds{i}, i % 4 == 0 && i <= 16);
  CHECK(joins_at(6s) == 16);  // 14 would be 6 s back, and is none
  CHECK(joins_at(8s) == 12);  // the oldest one that is not further back
  CHECK(joins_at(0s) == 16);  // none so near: the newest there is
  CHECK(joins_at(60s) == 4);
}

TEST_CASE("without any random access point who joins begins at the burst's border", "[window]") {
  ChunkWindow window{{.span = 100s, .bytes = 1U << 20U}};
  for (std::uint64_t i = 1; i <= 100; ++i) push(window, i, i * 100ms);
  CHECK_FALSE(window.entry_within(6s));
  CHECK(window.at(window.position_behind(6s))->index.value == 40);
}

TEST_CASE("the last random access point stays in memory as far as the reach goes", "[window]") {
  ChunkWindow window{{.span = 1s}, {.span = 10s}, {.span = 5s}};
  for (std::uint64_t i = 1; i <= 40; ++i) push_tenth(window, i, i == 5 || i == 10);
  CHECK(window.oldest() == WindowPosition{10});
  CHECK(window.entry_within(1s) == WindowPosition{10});
  for (std::uint64_t i = 41; i <= 59; ++i) push_tenth(window, i, false);
  CHECK(window.entry_within(1s) == WindowPosition{10});
  // Further back than the reach it is given up, and memory with it.
  for (std::uint64_t i = 60; i <= 62; ++i) push_tenth(window, i, false);
  CHECK_FALSE(window.entry_within(1s));
  CHECK(window.oldest() == WindowPosition{52});
  CHECK_FALSE(window.has_no_entries());  // of the buffer one is known
  push_tenth(window, 63, true);
  CHECK(window.entry_within(1s) == WindowPosition{63});
}

TEST_CASE("the reach is bounded in bytes", "[window]") {
  ChunkWindow window{{.span = 1s}, {.span = 10s}, {.span = 5s, .bytes = 20 * 188}};
  window.keep_all(true);
  push_tenth(window, 1, true);
  for (std::uint64_t i = 2; i <= 20; ++i) push_tenth(window, i, false);
  CHECK(window.entry_within(1s) == WindowPosition{1});
  push_tenth(window, 21, false);
  CHECK_FALSE(window.entry_within(1s));
  window.keep_all(false);
  push_tenth(window, 22, false);
  CHECK(window.oldest() == WindowPosition{12});
}

TEST_CASE("a stream without random access points is known by its age", "[window]") {
  ChunkWindow window{{.span = 1s}, {.span = 5s}, {.span = 5s}};
  for (std::uint64_t i = 1; i <= 40; ++i) push_tenth(window, i, false);
  CHECK_FALSE(window.has_no_entries());
  for (std::uint64_t i = 41; i <= 80; ++i) push_tenth(window, i, false);
  CHECK(window.has_no_entries());
  push_tenth(window, 81, true);
  CHECK_FALSE(window.has_no_entries());
}

TEST_CASE("a random access point that shows late is noted where it lies", "[window]") {
  ChunkWindow window{{.span = 1h}};
  push_tenth(window, 1, false, 376);
  push_tenth(window, 2, false, 564);
  push_tenth(window, 3, false, 188);
  window.add_entry({.offset = 188 + 376, .tables = {}});
  REQUIRE(window.entry_within(1h) == WindowPosition{2});
  CHECK(window.at({2})->random_access->offset == 188);
  window.add_entry({.offset = 188 + 564, .tables = {}});  // of the same chunk the first one counts
  CHECK(window.at({2})->random_access->offset == 188);
  window.add_entry({.offset = 188 + 564 + 376, .tables = {}});
  CHECK(window.at({1})->random_access->offset == 0);
  window.add_entry({.offset = 5'000, .tables = {}});  // has left the window
  CHECK(window.edge() == WindowPosition{4});
}

TEST_CASE("a client from another worker goes on right behind its last chunk", "[window]") {
  ChunkWindow window{{.span = 1h, .bytes = 10 * 188}};
  CHECK_FALSE(next_after(window, 1, 1));  // nothing yet
  push_run(window, 5, 96, 110);           // 96 to 100 have left it
  CHECK(next_after(window, 5, 105) == 106);
  CHECK(next_after(window, 5, 110) == 0);
  CHECK(next_after(window, 5, 100) == 101);
  CHECK(next_after(window, 5, 50) == 101);  // dropped here
  CHECK_FALSE(next_after(window, 5, 111));  // not here yet
  push_run(window, 5, 114, 114);            // 111 to 113 never came
  CHECK(next_after(window, 5, 112) == 114);
}

TEST_CASE("within a run the index decides, whatever epoch a chunk is known under", "[window]") {
  ChunkWindow window{{}};
  push_run(window, 5, 101, 110);
  push_run(window, 7, 111, 120);
  CHECK(next_after(window, 5, 105) == 106);
  CHECK(next_after(window, 7, 105) == 106);  // committed again under a new lease
  CHECK(next_after(window, 6, 115) == 116);  // a follower that missed a change
  CHECK(next_after(window, 7, 50) == 101);
  CHECK_FALSE(next_after(window, 6, 121));
}

TEST_CASE("where indices began anew, a higher one of an older epoch is not behind", "[window]") {
  ChunkWindow window{{}};
  push_run(window, 6, 1, 10);
  CHECK(next_after(window, 5, 1000) == 1);
  CHECK_FALSE(next_after(window, 6, 1000));

  ChunkWindow both{{}};
  push_run(both, 5, 991, 1000);
  push_run(both, 6, 1, 10);
  CHECK(next_after(both, 5, 995) == 996);
  CHECK(next_after(both, 5, 1000) == 1);
  CHECK(next_after(both, 5, 5) == 991);
  CHECK(next_after(both, 6, 5) == 6);
  CHECK(next_after(both, 6, 10) == 0);
  CHECK_FALSE(next_after(both, 6, 995));
}

TEST_CASE("what can be read back leaves memory, and stays known", "[window]") {
  ChunkWindow window{{.span = 1s, .bytes = 1U << 20U}, {.span = 6s, .bytes = 1U << 20U}};
  for (std::uint64_t i = 1; i <= 40; ++i) push(window, 100 + i, i * 100ms, 188 * i);
  CHECK(window.oldest() == WindowPosition{1});  // nothing is stored yet
  window.on_stored({.epoch = {1}, .index = {125}});
  push(window, 141, 4100ms);
  CHECK(window.oldest() == WindowPosition{26});  // that is all that is stored
  window.on_stored({.epoch = {1}, .index = {141}});
  push(window, 142, 4200ms);
  CHECK(window.oldest() == WindowPosition{32});
  CHECK(window.at({31}) == nullptr);
  REQUIRE(window.known_at({31}) != nullptr);
  CHECK(window.known_at({31})->chunk == nullptr);
  CHECK(window.known_at({31})->index.value == 131);
  CHECK(window.known_at({31})->print == ChunkPrint::of(ace::as_bytes(std::string(188 * 31, 'x'))));
  CHECK(window.behind({.epoch = {1}, .index = {105}}) == WindowPosition{6});
  for (std::uint64_t i = 43; i <= 80; ++i) push(window, 100 + i, i * 100ms);
  CHECK(window.oldest_known() == WindowPosition{20});
  CHECK(window.known_at({19}) == nullptr);
}

TEST_CASE("the whole buffer is bounded in bytes and in chunks", "[window]") {
  ChunkWindow window{{.span = 1h, .bytes = 500}, {.span = 1h, .bytes = 1880, .chunks = 8}};
  const auto push_stored = [&](std::uint64_t index, std::size_t size) {
    push(window, index, 0ms, size);
    window.on_stored({.epoch = {1}, .index = {index}});
  };
  for (std::uint64_t i = 1; i <= 20; ++i) push_stored(i, 188);
  CHECK(window.oldest_known() == WindowPosition{13});
  CHECK(window.bytes() == 376);
  push_stored(21, 1504);
  CHECK(window.oldest_known() == WindowPosition{19});
  CHECK(window.bytes() == 1504);
  push_stored(22, 4000);
  CHECK(window.oldest_known() == WindowPosition{22});
  CHECK(window.bytes() == 4000);
}

TEST_CASE("while nothing can be read back, memory is all of the buffer", "[window]") {
  ChunkWindow window{{.span = 1s, .bytes = 1U << 20U}, {.span = 3s, .bytes = 1U << 20U}};
  window.keep_all(true);
  for (std::uint64_t i = 1; i <= 50; ++i) {
    push(window, i, i * 100ms);
    window.on_stored({.epoch = {1}, .index = {i}});
  }
  CHECK(window.oldest() == WindowPosition{20});
  CHECK(window.oldest_known() == WindowPosition{20});
  window.keep_all(false);
  push(window, 51, 5100ms);
  CHECK(window.oldest() == WindowPosition{41});
}

TEST_CASE("chunks of a run that began anew are stored when those are", "[window]") {
  ChunkWindow window{{.span = 1h, .bytes = 188}, {.span = 1h, .bytes = 1U << 20U}};
  push_run(window, 5, 991, 1000);
  push_run(window, 6, 1, 10);
  window.on_stored({.epoch = {6}, .index = {3}});
  push(window, 11, 0ms, 188, 6);
  CHECK(window.oldest() == WindowPosition{14});
}

TEST_CASE("who jumps lands on the newest random access point", "[window]") {
  ChunkWindow window{{.span = 1h, .bytes = 1U << 20U}};
  CHECK(window.newest_entry() == window.edge());
  push_run(window, 1, 1, 3);
  CHECK(window.newest_entry() == WindowPosition{3});
  for (int i = 0; i < 2; ++i) {
    window.push({.epoch = {1},
                 .index = {4},
                 .chunk = Chunk::copy_of(ace::as_bytes(std::string(188, 'x'))),
                 .arrived = kStart,
                 .media_time = {},
                 .random_access = std::make_shared<RandomAccessPoint>()});
  }
  push_run(window, 1, 6, 8);
  CHECK(window.newest_entry() == WindowPosition{5});
}

TEST_CASE("a window becomes what another one was", "[window]") {
  const ChunkWindow::Limits memory{.span = 1s, .bytes = 1U << 20U};
  const ChunkWindow::Limits whole{.span = 10s, .bytes = 1U << 20U};
  ChunkWindow old{memory, whole};
  for (std::uint64_t i = 1; i <= 30; ++i) {
    push(old, i, i * 100ms);
    old.on_stored({.epoch = {1}, .index = {i}});
  }
  REQUIRE(old.oldest() > old.oldest_known());
  std::vector<ChunkWindow::Item> items;
  for (auto at = old.oldest_known(); at < old.edge(); ++at.value)
    items.push_back(*old.known_at(at));

  ChunkWindow heir{memory, whole};
  heir.restore(items);
  CHECK(heir.bytes() == old.bytes());
  CHECK(heir.edge() == old.edge());
  CHECK(heir.oldest() == old.oldest());
  CHECK(heir.known_at(heir.oldest_known())->print == items.front().print);
  CHECK(next_after(heir, 1, 29) == 30);
  CHECK(next_after(heir, 1, 30) == 0);
  // And goes on as that one would have.
  push(heir, 31, 3'100ms);
  heir.on_stored({.epoch = {1}, .index = {31}});
  push(heir, 32, 3'200ms);
  CHECK(heir.oldest().value == old.oldest().value + 2);
}

TEST_CASE("a window that may hold less lets its oldest chunks go", "[window]") {
  ChunkWindow window{{.span = 1h, .bytes = 1U << 20U}, {.span = 1h, .bytes = 1U << 20U}};
  push_run(window, 1, 1, 20);
  SECTION("what Redis has stays known") {
    window.on_stored({.epoch = {1}, .index = {15}});
    window.hold_at_most(10 * 188);
    CHECK(window.bytes() == 10 * 188);
    CHECK(window.oldest() == WindowPosition{11});
    CHECK(window.oldest_known() == WindowPosition{1});
  }
  SECTION("what Redis has not is gone") {
    window.on_stored({.epoch = {1}, .index = {5}});
    window.hold_at_most(10 * 188);
    CHECK(window.bytes() == 10 * 188);
    CHECK(window.oldest() == WindowPosition{11});
    CHECK(window.oldest_known() == WindowPosition{11});
  }
  SECTION("without Redis, too, and for those that come") {
    window.keep_all(true);
    window.hold_at_most(10 * 188);
    push_run(window, 1, 21, 25);
    CHECK(window.bytes() == 10 * 188);
    CHECK(window.oldest_known() == WindowPosition{16});
  }
  SECTION("but for the newest") {
    window.hold_at_most(0);
    CHECK(window.bytes() == 188);
    CHECK(window.at({20}) != nullptr);
  }
}
