#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "proto/chunk.h"
#include "proto/http/body_decoder.h"
#include "proto/ids.h"
#include "proto/mpeg_ts/ts_aligner.h"
#include "proto/mpeg_ts/ts_index.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace ace::handover {

/// A stream whose owner is being replaced, as its heir goes on with it: nothing of it is between
/// two places but what `unread` holds. The engine's socket travels beside it.
struct Estate {
  /// A chunk of the stream's buffer.
  struct Piece {
    proto::OwnerEpoch epoch;
    proto::ChunkIndex index;
    SteadyTime arrived;
    std::chrono::nanoseconds media_time{};
    std::shared_ptr<const proto::RandomAccessPoint> random_access{};
    proto::ChunkPtr chunk;  ///< null: not in memory, and to be read back by this print
    std::uint64_t print_size{};
    std::uint64_t print_hash{};
  };

  proto::StreamId stream;
  proto::WorkerId from;  ///< whose lease may still stand in Redis
  proto::OwnerEpoch epoch;
  proto::ChunkIndex index;           ///< of the newest chunk
  std::string record;                ///< the stream's record with its engine session, in lines
  SteadyTime session_made_at;        ///< when the engine session began
  proto::http::BodyDecoder decoder;  ///< where in the engine's answer the socket stands
  std::string unread;                ///< read off the socket, and in no chunk yet
  proto::TsAligner::Place place;     ///< where in the packets `unread` begins
  std::vector<Piece> pieces;         ///< in order, without those between
};

/// As a memory file.
[[nodiscard]] Result<UniqueFd> pack(const Estate& estate);
/// Protocol: cut short, of another version, or junk.
[[nodiscard]] Result<Estate> unpack(int fd);

}  // namespace ace::handover
