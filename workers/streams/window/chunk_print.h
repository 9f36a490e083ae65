#pragma once

#include <cstdint>

#include "shared/base/bytes.h"

namespace ace::streams {

/// Tells whether a chunk that was read back is the one that was dropped. An index alone does not: a
/// follower that spliced has other bytes under it than Redis, and so has an owner that another one
/// replaced. Samples of the bytes are enough, for accidents only have to be told apart.
struct ChunkPrint {
  std::uint64_t size{};
  std::uint64_t hash{};
  constexpr bool operator==(const ChunkPrint&) const = default;

  [[nodiscard]] static ChunkPrint of(ByteSpan payload);
};

}  // namespace ace::streams
