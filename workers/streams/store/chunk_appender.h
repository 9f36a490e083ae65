#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>

#include "proto/chunk.h"
#include "proto/ids.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/loop/timer.h"
#include "shared/redis/chunk_connection.h"

namespace ace::streams {

struct AppendLimits {
  std::size_t bytes_in_flight{16_MiB};  ///< sent and not answered
  std::size_t queue_bytes{32_MiB};      ///< not committed, in flight or not
  std::size_t backlog_high{16_MiB};     ///< of the queue: too much
  std::size_t backlog_low{4_MiB};       ///< of the queue: well again
  std::size_t buffer_chunks{1000};      ///< kept in Redis
  std::size_t buffer_bytes{128_MiB};
  std::chrono::milliseconds chunk_ttl{60000};
  std::chrono::milliseconds stage_ttl{5000};
  std::chrono::milliseconds record_ttl{60000};
};

class AppenderState;

/// The owner's way to Redis for one grant of a stream: stages each chunk, commits it under the
/// epoch, goes back to where Redis stands when something fails. Where Redis is short of memory,
/// less is kept of the stream. A chunk that finds no room all the same, or waited too long, is
/// skipped (followers miss it) and counted.
class ChunkAppender {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// Followers can read all up to `newest`, skipped ones apart. Never from within append().
    virtual void on_committed(proto::ChunkIndex newest) = 0;
    /// Redis takes less than comes in: the engine may be paused. Never true while Redis is down.
    /// May come from within append() and on_redis_up().
    virtual void on_backlog(bool is_too_much) = 0;
    /// Refused: another owner. Protocol: Redis' index does not fit ours, claim again. Once; the
    /// appender does nothing afterwards. Never from within append().
    virtual void on_append_refused(const Error& why) = 0;
  };

  /// What was granted, and by whose fence to stop.
  struct Grant {
    proto::StreamId stream;
    proto::WorkerId self;
    proto::OwnerEpoch epoch;
    proto::ChunkIndex index;          ///< of the newest chunk at the time of the grant
    std::function<bool()> may_write;  ///< StreamLease::may_write; called until destruction
  };

  /// References must outlive the appender. The listener may destroy it in any call.
  ChunkAppender(Grant grant, redis::ChunkPipe& pipe, loop::TimerFactory& timers,
                AppendLimits limits, Listener& listener);
  ~ChunkAppender();
  ChunkAppender(const ChunkAppender&) = delete;
  ChunkAppender& operator=(const ChunkAppender&) = delete;

  /// `index` is behind the last appended, or the granted one; what it leaves out is skipped.
  void append(proto::ChunkIndex index, proto::ChunkPtr chunk);
  /// The pipe's connection is there again.
  void on_redis_up();

  [[nodiscard]] proto::ChunkIndex committed() const;
  /// The newest that Redis may have, answered or not.
  [[nodiscard]] proto::ChunkIndex tried() const;
  /// The oldest chunk that Redis may hold: where finish_teardown begins.
  [[nodiscard]] proto::ChunkIndex oldest() const;
  /// Nothing waits to be committed.
  [[nodiscard]] bool is_idle() const;
  /// Redis has no room for what comes now: it is skipped, though all that could go has gone.
  [[nodiscard]] bool is_without_room() const;
  /// Chunks that followers never get.
  [[nodiscard]] std::uint64_t skipped() const;

 private:
  std::shared_ptr<AppenderState> state_;
};

}  // namespace ace::streams
