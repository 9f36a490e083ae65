#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>

#include "proto/ids.h"

namespace ace::streams {

/// Which chunks of a stream Redis holds, as far as their owner knows: decides what to delete when a
/// new one comes, or when Redis is short of memory. Pure.
class StoredChunks {
 public:
  /// So many stay whatever is short: what followers are about to read.
  static constexpr std::size_t kLeast = 8;
  /// After a shortage the bound grows by this part of what is stored.
  static constexpr std::size_t kGrowth = 16;

  struct Range {
    proto::ChunkIndex first;
    proto::ChunkIndex last;
  };

  /// `newest`: what was there before. Chunks of an earlier owner are counted, but their bytes are
  /// not known (they expire soon).
  StoredChunks(proto::ChunkIndex newest, std::size_t max_chunks, std::size_t max_bytes);

  /// `index` is about to be stored (bytes 0: skipped). What has to go for it: at most
  /// proto::kMaxUnlinksPerCommit at once, the rest with the next ones. An index that was added
  /// before counts once.
  [[nodiscard]] std::optional<Range> add(proto::ChunkIndex index, std::size_t bytes);

  /// Redis is short of memory: a quarter is to go, and what an earlier owner left. False: nothing
  /// is left that could.
  [[nodiscard]] bool shrink();

  [[nodiscard]] proto::ChunkIndex newest() const { return newest_; }
  [[nodiscard]] proto::ChunkIndex oldest() const { return oldest_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    proto::ChunkIndex index;
    std::size_t bytes;
  };
  std::size_t max_chunks_;
  std::size_t max_bytes_;
  std::size_t most_bytes_;  ///< as Redis' memory allows
  proto::ChunkIndex keep_from_{1};
  proto::ChunkIndex newest_;
  proto::ChunkIndex oldest_;
  std::deque<Entry> entries_;
  std::size_t bytes_{};
};

}  // namespace ace::streams
