#include "workers/streams/store/stored_chunks.h"

#include <algorithm>

#include "proto/redis/redis_scripts.h"

namespace ace::streams {

StoredChunks::StoredChunks(proto::ChunkIndex newest, std::size_t max_chunks, std::size_t max_bytes)
    : max_chunks_{std::max<std::size_t>(max_chunks, 1)},
      max_bytes_{max_bytes},
      most_bytes_{max_bytes},
      newest_{newest},
      oldest_{newest.value >= max_chunks_ ? newest.value - max_chunks_ + 1 : 1} {}

std::optional<StoredChunks::Range> StoredChunks::add(proto::ChunkIndex index, std::size_t bytes) {
  if (index > newest_) {
    newest_ = index;
    entries_.push_back({index, bytes});
    bytes_ += bytes;
    most_bytes_ = std::min(max_bytes_, most_bytes_ + bytes / kGrowth);
  }
  auto keep_from = keep_from_.value;
  if (newest_.value >= max_chunks_) {
    keep_from = std::max<std::uint64_t>(keep_from, newest_.value - max_chunks_ + 1);
  }
  std::size_t kept = bytes_;
  // The newest chunk stays, however large it is.
  for (std::size_t i = 0; kept > most_bytes_ && i + 1 < entries_.size(); ++i) {
    kept -= entries_[i].bytes;
    keep_from = std::max(keep_from, entries_[i + 1].index.value);
  }
  if (keep_from <= oldest_.value) return std::nullopt;
  const auto last = std::min(keep_from - 1, oldest_.value + proto::kMaxUnlinksPerCommit - 1);
  const Range range{oldest_, {last}};
  oldest_ = {last + 1};
  while (!entries_.empty() && entries_.front().index < oldest_) {
    bytes_ -= entries_.front().bytes;
    entries_.pop_front();
  }
  return range;
}

bool StoredChunks::shrink() {
  const auto first = entries_.empty() ? newest_.next() : entries_.front().index;
  const bool has_older = oldest_ < first && keep_from_ < first;
  keep_from_ = std::max(keep_from_, first);
  if (entries_.size() <= kLeast) return has_older;
  most_bytes_ = std::min(most_bytes_, bytes_ - bytes_ / 4);
  return true;
}

}  // namespace ace::streams
