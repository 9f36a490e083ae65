#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "workers/streams/store/append_queue.h"
#include "workers/streams/store/chunk_appender.h"
#include "workers/streams/store/stored_chunks.h"

namespace ace::streams {

/// The inside of a ChunkAppender: shared, so that answers of Redis can hold it weakly.
///
/// Go-back-N: Redis takes index + 1 only, so one failure fails all that is in flight behind it.
/// Then nothing is sent until everything in flight is answered, and sending begins anew behind what
/// Redis has. What Redis has is told by its answers or, when one was lost, by a probe: a commit of
/// the oldest chunk without its payload. The same makes room when Redis is short of memory: it
/// takes the oldest stored chunks along.
class AppenderState : public std::enable_shared_from_this<AppenderState> {
 public:
  AppenderState(ChunkAppender::Grant grant, redis::ChunkPipe& pipe, loop::TimerFactory& timers,
                AppendLimits limits, ChunkAppender::Listener& listener);

  void append(proto::ChunkIndex index, proto::ChunkPtr chunk);
  void on_redis_up();
  /// The appender is being destroyed: nothing is told or sent any more.
  void close();

  [[nodiscard]] const AppendQueue& queue() const { return queue_; }
  [[nodiscard]] proto::ChunkIndex oldest() const { return stored_.oldest(); }
  [[nodiscard]] proto::ChunkIndex tried() const { return stored_.newest(); }
  [[nodiscard]] bool is_without_room() const { return is_without_room_; }

 private:
  enum class Mode {
    Sending,   ///< all goes well
    Draining,  ///< something failed: wait for the answers to all that is in flight
    Probing,   ///< asked where Redis stands
    Waiting,   ///< for Redis, or for a while
    Stopped,   ///< refused or destroyed
  };

  void send_more();
  void store(const AppendQueue::Item& item);
  void commit(const AppendQueue::Item& item, bool is_probe);
  void on_store_failed(proto::ChunkIndex index, const Error& why);
  void on_commit_answer(proto::ChunkIndex first, bool is_probe, const Result<redis::Reply>& reply);
  void on_commit_failed(const Error& why);
  void on_missing_stage(proto::ChunkIndex index);
  /// Redis stands at `index` under our epoch. False: that cannot be, or the listener ended this.
  [[nodiscard]] bool go_on_from(proto::ChunkIndex index);
  void begin_draining();
  void recover_when_drained();
  void probe();
  void wait();
  void resume();
  void update_backlog();
  void refuse(const Error& why);

  ChunkAppender::Grant grant_;
  proto::StreamKeys keys_;
  redis::ChunkPipe& pipe_;
  AppendLimits limits_;
  ChunkAppender::Listener& listener_;  ///< not touched once stopped
  std::unique_ptr<loop::Timer> retry_timer_;

  Mode mode_{Mode::Sending};
  AppendQueue queue_;
  StoredChunks stored_;
  std::size_t unanswered_{};  ///< commits in flight
  bool needs_probe_{};        ///< an answer was lost: only Redis knows where it stands
  bool makes_room_{};         ///< older chunks go before anything is sent again
  bool is_without_room_{};    ///< what came last was skipped for want of memory
  bool is_cautious_{};        ///< Redis had no memory: one chunk at a time until one is stored
  bool has_backlog_{};
  std::chrono::milliseconds retry_delay_;
};

}  // namespace ace::streams
