#include "workers/streams/store/chunk_follower.h"

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

using Run = std::pair<std::uint64_t, std::uint64_t>;

struct Fixture final : ChunkFollower::Listener {
  explicit Fixture(FollowLimits limits = {}) {
    follower.emplace(proto::StreamId::parse(std::string(40, 'a')).value(), pipe, timers, limits,
                     *this);
  }
  void on_chunk(proto::OwnerEpoch epoch, proto::ChunkIndex index, proto::ChunkPtr chunk) override {
    CHECK(as_text(chunk->payload()) == payload(index.value, chunk->size()));
    epochs.push_back(epoch.value);
    indices.push_back(index.value);
    if (destroy) follower.reset();
  }
  void on_missing(proto::ChunkIndex first, proto::ChunkIndex last) override {
    missing.emplace_back(first.value, last.value);
    if (destroy) follower.reset();
  }
  static std::string payload(std::uint64_t index, std::size_t size = 1880) {
    return std::string(size, static_cast<char>('a' + index % 26));
  }
  void store(std::uint64_t first, std::uint64_t last, std::size_t size = 1880) {
    for (auto i = first; i <= last; ++i) pipe.values[pipe.chunk_key(i)] = payload(i, size);
    pipe.index = last;
  }
  void start(std::optional<proto::ChunkIndex> after = std::nullopt) {
    follower->start(after);
    pipe.run();
  }
  void announce(std::uint64_t index) {
    follower->on_announced({pipe.epoch}, {index});
    pipe.run();
  }
  static std::vector<std::uint64_t> counting(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> numbers;
    for (auto i = first; i <= last; ++i) numbers.push_back(i);
    return numbers;
  }

  test::ManualClock clock;
  test::FakeTimers timers{clock};
  test::FakePipe pipe;
  std::vector<std::uint64_t> epochs;
  std::vector<std::uint64_t> indices;
  std::vector<Run> missing;
  bool destroy{};
  std::optional<ChunkFollower> follower;
};

}  // namespace

TEST_CASE("a follower begins a little behind the newest chunk", "[follower]") {
  Fixture f{{.initial_behind = 3}};
  f.store(1, 10);
  f.start();
  CHECK(f.indices == Fixture::counting(8, 10));
}

TEST_CASE("and no further back than it has bytes for", "[follower]") {
  Fixture f{{.initial_behind = 8, .initial_bytes = 2 * 1880}};
  f.store(1, 10);
  f.start();
  CHECK(f.indices == Fixture::counting(9, 10));
}

TEST_CASE("a follower that has a position goes on behind it", "[follower]") {
  Fixture f;
  f.store(1, 10);
  f.start(proto::ChunkIndex{4});
  CHECK(f.indices == Fixture::counting(5, 10));
}

TEST_CASE("announced chunks are fetched once each, in one pipeline", "[follower]") {
  Fixture f;
  f.store(1, 1);
  f.start();
  f.store(2, 6);
  for (std::uint64_t i = 2; i <= 6; ++i) f.follower->on_announced({500}, {i});
  CHECK(f.pipe.pending() == 5);
  f.pipe.run();
  f.announce(4);  // said again
  CHECK(f.indices == Fixture::counting(1, 6));
  CHECK(f.pipe.gets == 6);
  CHECK(f.follower->fetched() == 6);
}

TEST_CASE("an absurd epoch is given up when Redis stands in another one", "[follower]") {
  Fixture f;
  f.store(1, 2);
  f.start();
  f.pipe.epoch = 800'000'000'000'000;
  f.timers.advance(500ms);
  f.pipe.run();
  f.pipe.epoch = 501;  // the owner has claimed anew
  f.store(3, 4);
  f.timers.advance(500ms);
  f.pipe.run();
  CHECK(f.indices == Fixture::counting(1, 2));  // perhaps this was asked before
  for (int i = 0; i < 2; ++i) {
    f.timers.advance(500ms);
    f.pipe.run();
  }
  CHECK(f.indices == Fixture::counting(1, 4));
  CHECK(f.epochs.back() == 501);
}

TEST_CASE("a lost event costs one poll period", "[follower]") {
  Fixture f;
  f.store(1, 2);
  f.start();
  f.store(3, 5);
  f.timers.advance(500ms);
  f.pipe.run();
  CHECK(f.indices == Fixture::counting(1, 5));
}

TEST_CASE("a stream that is not there yet is waited for", "[follower]") {
  Fixture f;
  f.pipe.epoch = 0;
  f.start();
  f.pipe.epoch = 500;
  f.store(1, 1);
  f.announce(1);
  CHECK(f.indices == Fixture::counting(1, 1));
}

TEST_CASE("missing chunks are told as one run, and passed over", "[follower]") {
  Fixture f;
  f.store(1, 2);
  f.start();
  f.store(6, 7);
  f.announce(7);
  CHECK(f.indices == std::vector<std::uint64_t>{1, 2, 6, 7});
  CHECK(f.missing == std::vector<Run>{{3, 5}});
}

TEST_CASE("what lies beyond the buffer is not even asked for", "[follower]") {
  Fixture f{{.max_behind = 10}};
  f.store(1, 1);
  f.start();
  f.store(4990, 5000);
  f.announce(5000);
  CHECK(f.missing == std::vector<Run>{{2, 4990}});
  CHECK(f.indices.back() == 5000);
  CHECK(f.pipe.gets == 11);
}

TEST_CASE("junk under a chunk's name is no chunk", "[follower]") {
  Fixture f;
  f.store(1, 1);
  f.start();
  f.store(2, 4);
  SECTION("a broken packet") { f.pipe.values[f.pipe.chunk_key(3)] = std::string(189, 'x'); }
  SECTION("nothing") { f.pipe.values[f.pipe.chunk_key(3)].clear(); }
  SECTION("too much") {
    f.pipe.values[f.pipe.chunk_key(3)] = std::string(188 * (proto::kMaxChunkBytes / 188 + 1), 'x');
  }
  f.announce(4);
  CHECK(f.indices == std::vector<std::uint64_t>{1, 2, 4});
  CHECK(f.missing == std::vector<Run>{{3, 3}});
}

TEST_CASE("fetches that failed with the connection are made again", "[follower]") {
  Fixture f;
  f.store(1, 1);
  f.start();
  f.store(2, 6);
  f.follower->on_announced({500}, {6});
  f.pipe.run_one();
  f.pipe.run_one();
  f.pipe.is_connected = false;
  f.pipe.run();
  CHECK(f.indices == Fixture::counting(1, 3));
  f.pipe.is_connected = true;
  f.follower->poll_now();
  f.pipe.run();
  CHECK(f.indices == Fixture::counting(1, 6));
  CHECK(f.missing.empty());
  CHECK(f.follower->fetched() == 6);
}

TEST_CASE("a key that the server goes on refusing does not hold up the stream", "[follower]") {
  Fixture f;
  f.store(1, 1);
  f.start();
  f.store(2, 2);
  f.pipe.error = "NOPERM";
  f.announce(2);
  for (int i = 0; i < 5; ++i) {
    f.follower->poll_now();
    f.pipe.run_one();
    f.pipe.error.clear();
    f.follower->poll_now();
    f.pipe.run_one();
    f.pipe.error = "NOPERM";
    f.pipe.run();
  }
  CHECK(f.missing == std::vector<Run>{{2, 2}});
}

TEST_CASE("a new owner's chunks follow the old one's", "[follower]") {
  Fixture f;
  f.store(1, 2);
  f.start();
  f.store(3, 5);
  f.pipe.epoch = 600;
  f.follower->on_owner_changed({600}, {4});
  f.follower->on_announced({500}, {9});  // said by an owner that is fenced
  f.announce(5);
  CHECK(f.indices == Fixture::counting(1, 5));
  CHECK(f.epochs == std::vector<std::uint64_t>{500, 500, 500, 500, 600});
}

TEST_CASE("where Redis lost its memory a follower begins anew in the new epoch", "[follower]") {
  Fixture f{{.initial_behind = 2}};
  f.store(1, 100);
  f.start();
  f.pipe.values.clear();
  f.store(1, 3);
  f.pipe.epoch = 600;
  f.announce(3);
  CHECK(f.indices == std::vector<std::uint64_t>{99, 100, 2, 3});
  CHECK(f.epochs.back() == 600);
}

TEST_CASE("where the owner gave its chunks back, a follower goes on without a repeat",
          "[follower]") {
  Fixture f;
  f.store(1, 100);
  f.start();
  f.pipe.values.clear();
  f.pipe.epoch = 0;
  f.timers.advance(500ms);
  f.pipe.run();
  f.store(91, 103);
  f.pipe.epoch = 600;
  f.follower->on_owner_changed({600}, {103});
  f.pipe.run();
  CHECK(f.indices == Fixture::counting(37, 103));
  CHECK(f.missing.empty());
}

TEST_CASE("a chunk that is gone with the whole stream is asked for again when that is back",
          "[follower]") {
  Fixture f;
  f.store(1, 1);
  f.start();
  f.store(2, 3);
  f.follower->on_announced({500}, {3});
  f.pipe.values.clear();  // FLUSHALL between the event and the answer
  f.pipe.epoch = 0;
  f.pipe.run();
  CHECK(f.indices == Fixture::counting(1, 1));
  CHECK(f.missing.empty());
  f.store(1, 3);
  f.pipe.epoch = 600;
  SECTION("told by the event") { f.follower->on_owner_changed({600}, {3}); }
  SECTION("found by asking") {}
  f.timers.advance(500ms);
  f.pipe.run();
  CHECK(f.indices == Fixture::counting(1, 3));
  CHECK(f.missing.empty());
}

TEST_CASE("fetches under way are bounded", "[follower]") {
  Fixture f{{.read_ahead_chunks = 4}};
  f.store(1, 1);
  f.start();
  f.store(2, 50);
  f.announce(50);
  CHECK(f.pipe.most_asked <= 5);
  CHECK(f.indices == Fixture::counting(1, 50));
}

TEST_CASE("the listener may destroy the follower in any call", "[follower]") {
  Fixture f;
  f.destroy = true;
  SECTION("chunk") { f.store(1, 5); }
  SECTION("missing") {
    f.store(5, 5);
    f.pipe.values.clear();
  }
  f.follower->start(proto::ChunkIndex{0});
  f.pipe.run();
  CHECK_FALSE(f.follower.has_value());
  CHECK(f.indices.size() + f.missing.size() == 1);
  CHECK(f.timers.armed() == 0);
}
