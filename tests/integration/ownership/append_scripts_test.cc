#include <catch2/catch.hpp>

#include "tests/integration/ownership/script_bench.h"

using namespace ace;
using proto::CommitCode;
using test::ScriptBench;
using Committed = ScriptBench::Committed;

namespace {

struct Bench : ScriptBench {
  std::string epoch{claim("w1").epoch};
  [[nodiscard]] bool has_chunk(std::uint64_t index) const {
    return number({"EXISTS", keys.chunk({index})}) == 1;
  }
  [[nodiscard]] std::vector<std::int64_t> position(const std::string& chunks,
                                                   const std::string& bytes) const {
    const auto reply = eval(proto::kPositionScript, {keys.metadata(), keys.buffer_index()},
                            {keys.chunk_prefix(), chunks, bytes});
    std::vector<std::int64_t> numbers;
    for (const auto& element : reply.value().elements) {
      numbers.push_back(element.as_integer().value());
    }
    return numbers;
  }
};

}  // namespace

TEST_CASE("a commit turns the stage into the chunk and moves the index", "[scripts]") {
  const Bench b;
  CHECK(b.append("w1", b.epoch, 1) == Committed{CommitCode::Committed, 1});
  CHECK(b.text({"GET", b.keys.chunk({1})}) == "chunk 1");
  CHECK(b.number({"EXISTS", b.stage_key(b.epoch, 1)}) == 0);
  CHECK(b.text({"GET", b.keys.buffer_index()}) == "1");
  CHECK(b.number({"PTTL", b.keys.chunk({1})}) > 5000);
  CHECK(b.number({"PTTL", b.keys.buffer_index()}) > 5000);
}

TEST_CASE("a commit that is repeated succeeds and changes nothing", "[scripts]") {
  const Bench b;
  b.append("w1", b.epoch, 1);
  b.append("w1", b.epoch, 2);
  b.stage(b.epoch, 1, "other bytes");
  CHECK(b.commit("w1", b.epoch, {1, 1}, false) == Committed{CommitCode::Committed, 2});
  CHECK(b.text({"GET", b.keys.chunk({1})}) == "chunk 1");
  CHECK(b.number({"EXISTS", b.stage_key(b.epoch, 1)}) == 0);
}

TEST_CASE("a commit out of order tells where Redis stands", "[scripts]") {
  const Bench b;
  b.append("w1", b.epoch, 1);
  CHECK(b.append("w1", b.epoch, 3) == Committed{CommitCode::OutOfOrder, 1});
  CHECK_FALSE(b.has_chunk(3));
}

TEST_CASE("a commit without its stage moves nothing", "[scripts]") {
  const Bench b;
  CHECK(b.commit("w1", b.epoch, {1, 1}, false) == Committed{CommitCode::Missing, 0});
  CHECK(b.text({"GET", b.keys.buffer_index()}) == "0");
}

TEST_CASE("a fenced owner's chunk is never seen", "[scripts]") {
  const Bench b;
  b.append("w1", b.epoch, 1);
  b.stage(b.epoch, 2, "of the old owner");
  const auto next = b.claim("w2", "0", "0", {"w1"});
  CHECK(b.commit("w1", b.epoch, {2, 2}, false).code == CommitCode::Refused);
  CHECK_FALSE(b.has_chunk(2));
  b.stage(next.epoch, 2, "of the new owner");
  CHECK(b.commit("w2", next.epoch, {2, 2}, false).code == CommitCode::Committed);
  CHECK(b.text({"GET", b.keys.chunk({2})}) == "of the new owner");
}

TEST_CASE("a skip moves the index and leaves no chunk, whatever lay there", "[scripts]") {
  const Bench b;
  b.append("w1", b.epoch, 1);
  b.must({"SET", b.keys.chunk({3}), "of an earlier life"});
  CHECK(b.commit("w1", b.epoch, {2, 5}, true) == Committed{CommitCode::Committed, 5});
  CHECK_FALSE(b.has_chunk(3));
  CHECK(b.commit("w1", b.epoch, {4, 7}, true) == Committed{CommitCode::Committed, 7});
  CHECK(b.commit("w1", b.epoch, {9, 9}, true) == Committed{CommitCode::OutOfOrder, 7});
  CHECK(b.append("w1", b.epoch, 8).code == CommitCode::Committed);
}

TEST_CASE("a commit deletes the range it is given, a bounded part of it", "[scripts]") {
  const Bench b;
  for (std::uint64_t i = 1; i <= 70; ++i) b.append("w1", b.epoch, i);
  b.stage(b.epoch, 71, "x");
  b.commit("w1", b.epoch, {71, 71}, false, {1, 69});
  CHECK_FALSE(b.has_chunk(1));
  CHECK_FALSE(b.has_chunk(proto::kMaxUnlinksPerCommit));
  CHECK(b.has_chunk(proto::kMaxUnlinksPerCommit + 1));
  CHECK(b.has_chunk(71));
}

TEST_CASE("a commit over a key of another type is an error, not a crash", "[scripts]") {
  const Bench b;
  b.must({"DEL", b.keys.buffer_index()});
  b.must({"RPUSH", b.keys.buffer_index(), "junk"});
  CHECK_THROWS_WITH(b.append("w1", b.epoch, 1), Catch::Contains("WRONGTYPE"));
}

TEST_CASE("a staged chunk is committed even when memory has run out since", "[scripts]") {
  const Bench b;
  b.stage(b.epoch, 1, "x");
  b.must({"CONFIG", "SET", "maxmemory", "1"});
  CHECK(b.commit("w1", b.epoch, {1, 1}, false).code == CommitCode::Committed);
}

TEST_CASE("a reader begins so many chunks and bytes back, at one that is there", "[scripts]") {
  const Bench b;
  const auto epoch = std::stoll(b.epoch);
  CHECK(b.position("5", "1000") == std::vector<std::int64_t>{epoch, 0, 1});
  for (std::uint64_t i = 1; i <= 9; ++i) b.append("w1", b.epoch, i);  // 7 bytes each
  CHECK(b.position("5", "1000") == std::vector<std::int64_t>{epoch, 9, 5});
  CHECK(b.position("5", "20") == std::vector<std::int64_t>{epoch, 9, 8});
  CHECK(b.position("0", "20") == std::vector<std::int64_t>{epoch, 9, 10});
  b.must({"DEL", b.keys.chunk({6})});
  CHECK(b.position("5", "1000") == std::vector<std::int64_t>{epoch, 9, 7});
}
