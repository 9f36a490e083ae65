#include "workers/streams/store/stored_chunks.h"

#include <catch2/catch.hpp>

using namespace ace;
using streams::StoredChunks;

TEST_CASE("the oldest chunk goes when there are too many", "[stored_chunks]") {
  StoredChunks stored{{0}, 3, 1000};
  for (std::uint64_t i = 1; i <= 3; ++i) CHECK_FALSE(stored.add({i}, 10));
  const auto gone = stored.add({4}, 10);
  REQUIRE(gone.has_value());
  CHECK(gone->first == proto::ChunkIndex{1});
  CHECK(gone->last == proto::ChunkIndex{1});
  CHECK(stored.bytes() == 30);
}

TEST_CASE("as many go as the bytes demand, but never the newest", "[stored_chunks]") {
  StoredChunks stored{{0}, 100, 1000};
  for (std::uint64_t i = 1; i <= 4; ++i) CHECK_FALSE(stored.add({i}, 250));
  const auto gone = stored.add({5}, 5000);
  REQUIRE(gone.has_value());
  CHECK(gone->first == proto::ChunkIndex{1});
  CHECK(gone->last == proto::ChunkIndex{4});
  CHECK(stored.oldest() == proto::ChunkIndex{5});
}

TEST_CASE("an earlier owner's chunks are counted, a few at a time", "[stored_chunks]") {
  StoredChunks stored{{5000}, 1000, 1000};
  CHECK(stored.oldest() == proto::ChunkIndex{4001});
  CHECK(stored.add({5001}, 10)->last == proto::ChunkIndex{4001});
  const auto gone = stored.add({5500}, 10);  // a run was skipped
  CHECK(gone->first == proto::ChunkIndex{4002});
  CHECK(gone->last == proto::ChunkIndex{4065});
}

TEST_CASE("an index that comes again changes nothing", "[stored_chunks]") {
  StoredChunks stored{{0}, 3, 1000};
  CHECK_FALSE(stored.add({1}, 10));
  CHECK_FALSE(stored.add({1}, 10));
  CHECK(stored.bytes() == 10);
}
