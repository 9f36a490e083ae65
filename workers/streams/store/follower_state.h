#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "proto/redis/redis_keys.h"
#include "workers/streams/store/chunk_follower.h"

namespace ace::streams {

/// The inside of a ChunkFollower: shared, so that answers of Redis can hold it weakly.
class FollowerState : public std::enable_shared_from_this<FollowerState> {
 public:
  FollowerState(proto::StreamId stream, redis::ChunkPipe& pipe, loop::TimerFactory& timers,
                FollowLimits limits, ChunkFollower::Listener& listener);

  void start(std::optional<proto::ChunkIndex> after);
  /// `begins_after`: where the epoch begins, if that is known.
  void on_newest(proto::OwnerEpoch epoch, proto::ChunkIndex index,
                 std::optional<proto::ChunkIndex> begins_after);
  void poll();
  /// The follower is being destroyed: nothing is told or asked any more.
  void close();

  [[nodiscard]] proto::OwnerEpoch epoch() const { return epoch_; }
  [[nodiscard]] proto::ChunkIndex newest() const { return newest_; }
  [[nodiscard]] std::uint64_t fetched() const { return fetched_; }

 private:
  enum class Mode {
    Created,
    Seeking,    ///< does not know yet where to begin
    Following,  ///< next_ is known
    Closed,
  };
  /// One chunk on its way. Shared with the answer that fills it.
  struct Fetch {
    /// Unsure: not there, but perhaps because Redis has lost the whole stream.
    enum class Stage { Asked, Here, Unsure, Missing, Failed };
    proto::ChunkIndex index;
    proto::OwnerEpoch asked_in;
    Stage stage{Stage::Asked};
    int refusals{};
    std::shared_ptr<proto::Chunk> chunk;
  };

  void on_position(bool was_seeking, const Result<redis::Reply>& reply);
  void begin_at(proto::OwnerEpoch epoch, proto::ChunkIndex newest, proto::ChunkIndex first);
  void change_epoch(proto::OwnerEpoch epoch, proto::ChunkIndex begins_after);
  [[nodiscard]] bool has_room() const;
  void fetch_more();
  void fetch(const std::shared_ptr<Fetch>& fetch);
  void fetch_failed_again();
  /// Redis stands in `epoch`, asked after what is unsure.
  void settle_unsure(proto::OwnerEpoch epoch);
  void on_fetched(Fetch& fetch, const Result<std::optional<std::size_t>>& answer);
  /// Both call out: false when the follower was closed in it.
  [[nodiscard]] bool deliver();
  [[nodiscard]] bool tell_missing();
  [[nodiscard]] proto::OwnerEpoch epoch_of(proto::ChunkIndex index) const {
    return index > epoch_begins_after_ ? epoch_ : epoch_before_;
  }

  proto::StreamKeys keys_;
  redis::ChunkPipe& pipe_;
  FollowLimits limits_;
  ChunkFollower::Listener& listener_;  ///< not touched once closed
  std::unique_ptr<loop::Timer> poll_timer_;

  Mode mode_{Mode::Created};
  std::optional<proto::ChunkIndex> after_;
  bool is_polling_{};
  int epochs_before_{};
  proto::OwnerEpoch epoch_;
  proto::OwnerEpoch epoch_before_;
  proto::ChunkIndex epoch_begins_after_;
  proto::ChunkIndex newest_;
  proto::ChunkIndex next_;                         ///< to hand on; that of fetches_.front()
  std::deque<std::shared_ptr<Fetch>> fetches_;     ///< one for each index from next_ on
  std::optional<proto::ChunkIndex> missing_from_;  ///< up to next_ - 1: not told yet
  std::size_t largest_chunk_;
  std::uint64_t fetched_{};
};

}  // namespace ace::streams
