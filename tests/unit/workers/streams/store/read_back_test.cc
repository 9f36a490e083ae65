#include "workers/streams/store/read_back.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/coordinator/ownership/fake_time.h"
#include "tests/unit/workers/streams/store/fake_pipe.h"

using namespace ace;
using namespace ace::streams;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kSize = 1880;

std::string payload(std::uint64_t index) {
  return std::string(kSize, static_cast<char>('a' + index % 26));
}

struct Reader final : Archive::Reader {
  void on_read_back(proto::ChunkPtr chunk) override {
    told.push_back(chunk ? std::string{as_text(chunk->payload())} : "lost");
    if (then) then();
  }
  std::vector<std::string> told;
  std::function<void()> then;
};

/// A window of which chunks 1 to 8 have left memory, and Redis has them all.
struct Fixture {
  explicit Fixture(ReadBackLimits limits = {}) {
    for (std::uint64_t i = 1; i <= 10; ++i) {
      window.push({.epoch = {500},
                   .index = {100 + i},
                   .chunk = proto::Chunk::copy_of(as_bytes(payload(i))),
                   .arrived = clock.now(),
                   .media_time = {},
                   .random_access = {}});
      window.on_stored({.epoch = {500}, .index = {100 + i}});
      pipe.values[test::FakePipe::chunk_key(100 + i)] = payload(i);
    }
    archive.emplace(proto::StreamId::parse(std::string(40, 'a')).value(), pipe, window, clock,
                    limits);
  }
  void read(std::uint64_t at, Reader& reader) { CHECK(archive->read({at}, reader) == nullptr); }
  std::string at_hand(std::uint64_t at) {
    Reader nobody;
    const auto chunk = archive->read({at}, nobody);
    archive->forget(nobody);
    return chunk ? std::string{as_text(chunk->payload())} : "";
  }

  test::ManualClock clock;
  test::FakePipe pipe;
  ChunkWindow window{{.span = 1h, .bytes = 2 * kSize}, {.span = 1h, .bytes = 1U << 20U}};
  std::optional<ReadBack> archive;
};

}  // namespace

TEST_CASE("readers at one place share a fetch, and later ones find it", "[read_back]") {
  Fixture f;
  Reader first;
  Reader second;
  f.read(3, first);
  f.read(3, second);
  CHECK(first.told.empty());  // never from within the question
  f.pipe.run();
  CHECK(first.told == std::vector{payload(3)});
  CHECK(second.told == first.told);
  CHECK(f.at_hand(3) == payload(3));
  CHECK(f.pipe.gets == 1);
}

TEST_CASE("a chunk that cannot be had is lost, and nothing is kept of it", "[read_back]") {
  Fixture f;
  const auto key = test::FakePipe::chunk_key(103);
  SECTION("gone") { f.pipe.values.erase(key); }
  SECTION("another size") { f.pipe.values[key].resize(188); }
  SECTION("other bytes") { f.pipe.values[key] = payload(4); }
  SECTION("Redis refuses") { f.pipe.error = "NOPERM"; }
  SECTION("Redis is away") { f.pipe.is_connected = false; }
  Reader reader;
  f.read(3, reader);
  f.pipe.run();
  CHECK(reader.told == std::vector<std::string>{"lost"});
  CHECK(f.archive->kept_bytes() == 0);
}

TEST_CASE("what is in flight is bounded, and the rest comes in its turn", "[read_back]") {
  Fixture f{{.bytes_in_flight = 2 * kSize}};
  std::vector<Reader> readers(6);
  for (std::uint64_t i = 0; i < readers.size(); ++i) f.read(i + 1, readers[i]);
  CHECK(f.pipe.pending() == 2);
  f.pipe.run();
  CHECK(f.pipe.most_asked == 2);
  for (std::uint64_t i = 0; i < readers.size(); ++i) {
    CHECK(readers[i].told == std::vector{payload(i + 1)});
  }
}

TEST_CASE("a chunk larger than the bounds is read all the same", "[read_back]") {
  Fixture f{{.bytes_in_flight = 188, .kept_bytes = 188}};
  Reader reader;
  f.read(3, reader);
  f.pipe.run();
  CHECK(reader.told == std::vector{payload(3)});
}

TEST_CASE("of what was read the last used is kept, for a while", "[read_back]") {
  Fixture f{{.kept_bytes = 2 * kSize, .kept = 5s}};
  Reader reader;
  f.read(1, reader);
  f.read(2, reader);
  f.pipe.run();
  CHECK(f.at_hand(1) == payload(1));  // used after 2
  f.read(3, reader);
  f.pipe.run();
  CHECK(f.archive->kept_bytes() == 2 * kSize);
  CHECK(f.at_hand(1) == payload(1));
  CHECK(f.at_hand(2).empty());
  f.pipe.run();
  f.clock.set(f.clock.now() + 6s);
  f.archive->tidy();
  CHECK(f.archive->kept_bytes() == 0);
}

TEST_CASE("a reader may ask on, and another one go, while they are told", "[read_back]") {
  Fixture f;
  Reader first;
  Reader second;
  f.read(3, first);
  f.read(3, second);
  first.then = [&] {
    if (first.told.size() == 1) f.read(4, first);
    f.archive->forget(second);
  };
  f.pipe.run();
  CHECK(first.told == std::vector{payload(3), payload(4)});
  CHECK(second.told.empty());
}

TEST_CASE("who is forgotten is not told, and what nobody waits for is not asked", "[read_back]") {
  Fixture f{{.bytes_in_flight = kSize}};
  Reader asked;
  Reader waiting;
  f.read(3, asked);
  f.read(4, waiting);
  f.archive->forget(asked);
  f.archive->forget(waiting);
  f.pipe.run();
  CHECK(asked.told.empty());
  CHECK(waiting.told.empty());
  CHECK(f.pipe.gets == 1);
}

TEST_CASE("an answer may come after the archive is gone", "[read_back]") {
  Fixture f;
  Reader reader;
  f.read(3, reader);
  f.archive.reset();
  f.pipe.run();
  CHECK(reader.told.empty());
}
