#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>

#include "proto/chunk.h"
#include "proto/ids.h"
#include "shared/base/bytes.h"
#include "shared/loop/timer.h"
#include "shared/redis/chunk_connection.h"

namespace ace::streams {

struct FollowLimits {
  std::size_t initial_behind{64};     ///< chunks before the newest to begin at, if they are there
  std::size_t initial_bytes{8_MiB};   ///< and at most so many bytes
  std::size_t read_ahead_chunks{64};  ///< fetches under way
  std::size_t read_ahead_bytes{16_MiB};  ///< and about so many bytes
  std::size_t max_behind{1000};          ///< what lies further back is not asked for
  std::chrono::milliseconds poll{500};
};

class FollowerState;

/// A follower's way from Redis: learns the newest index from events, and from Redis itself twice a
/// second; fetches every chunk once, several at a time; hands them on in order.
class ChunkFollower {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// In order, each index once within an epoch. A newer epoch mostly goes on with the next
    /// index; where Redis lost its memory, it may begin further back, with other bytes.
    virtual void on_chunk(proto::OwnerEpoch epoch, proto::ChunkIndex index,
                          proto::ChunkPtr chunk) = 0;
    /// Those will never come: expired, or never stored. The next chunk is behind them.
    virtual void on_missing(proto::ChunkIndex first, proto::ChunkIndex last) = 0;
  };

  /// References must outlive the follower. The listener may destroy it in any call.
  ChunkFollower(proto::StreamId stream, redis::ChunkPipe& pipe, loop::TimerFactory& timers,
                FollowLimits limits, Listener& listener);
  ~ChunkFollower();
  ChunkFollower(const ChunkFollower&) = delete;
  ChunkFollower& operator=(const ChunkFollower&) = delete;

  /// Once. Begins behind `after`, or `initial_behind` chunks before the newest. A stream that is
  /// not there yet is waited for.
  void start(std::optional<proto::ChunkIndex> after = std::nullopt);
  /// Told by a chunk event: `index` is committed in `epoch`.
  void on_announced(proto::OwnerEpoch epoch, proto::ChunkIndex index);
  /// Told by an owner_changed event: what lies behind `index` will be of `epoch`.
  void on_owner_changed(proto::OwnerEpoch epoch, proto::ChunkIndex index);
  /// Asks Redis at once: events may be missing, or Redis is there again.
  void poll_now();

  /// The newest that is known to be committed.
  [[nodiscard]] proto::OwnerEpoch epoch() const;
  [[nodiscard]] proto::ChunkIndex newest() const;
  /// Chunks that were read out of Redis.
  [[nodiscard]] std::uint64_t fetched() const;

 private:
  std::shared_ptr<FollowerState> state_;
};

}  // namespace ace::streams
