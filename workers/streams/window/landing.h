#pragma once

#include <memory>

#include "proto/chunk.h"
#include "proto/mpeg_ts/ts_index.h"

namespace ace::streams {

/// Beginnings made of a chunk for those who have not got what came before it. `entry` is where a
/// decoder can begin in it; null: nowhere.

/// For who joins: tables, then the chunk from the random access point on.
[[nodiscard]] proto::ChunkPtr lead_in(const proto::Chunk& chunk,
                                      const proto::RandomAccessPoint& entry);

struct Landing {
  proto::ChunkPtr chunk;
  /// As `entry`, in the landing.
  std::shared_ptr<const proto::RandomAccessPoint> entry{};
};

/// For who has jumped: the same with a marker of the jump for each elementary stream. Without a
/// random access point: the markers, then the whole chunk.
[[nodiscard]] Landing landing(const proto::Chunk& chunk, const proto::RandomAccessPoint* entry);

}  // namespace ace::streams
