#pragma once

#include <optional>
#include <vector>

#include "coordinator/handover/estate.h"
#include "proto/mpeg_ts/ts_index.h"
#include "workers/streams/session/stream_story.h"
#include "workers/streams/session/viewers.h"
#include "workers/streams/store/read_back.h"
#include "workers/streams/window/chunk_window.h"
#include "workers/streams/window/memory_claim.h"

namespace ace::streams {

/// A stream's buffer and its viewers in this worker: indexes each chunk, keeps the recent ones,
/// feeds the viewers, and sends them null packets while the stream is silent.
class Broadcast {
 public:
  Broadcast(StreamServices& services, proto::StreamId id, Viewers::Listener& listener);

  /// The next chunk, the owner's own or one from Redis. `opening`: for viewers that have got
  /// nothing yet.
  void push(proto::OwnerEpoch epoch, proto::ChunkIndex index, proto::ChunkPtr chunk,
            clients::Opening opening);
  /// Takes over the buffer of a worker that is being replaced: all of it, or the chunks after ours.
  void inherit(const std::vector<handover::Estate::Piece>& pieces);
  /// Drops all chunks, to be read again from further back. No viewer has got any of them.
  void forget();
  /// A viewer that joins now can begin with a random access point.
  [[nodiscard]] bool has_entry() const;
  /// Chunks are lost that viewers should get now: the next chunk is marked as a jump.
  void expect_gap() { is_behind_gap_ = !window_.empty(); }
  /// Redis has all chunks up to this one: slow viewers can get them from there.
  void on_stored(proto::ChunkCursor newest) { window_.on_stored(newest); }
  /// A chunk was announced to the follower, which will fetch it.
  void expect(proto::ChunkIndex index);
  /// Twice a second. `facts` decide the cause of a silence, if there is one now.
  void tick(StallFacts facts);

  [[nodiscard]] ChunkWindow& window() { return window_; }
  [[nodiscard]] StreamStory& story() { return story_; }
  [[nodiscard]] Viewers& viewers() { return viewers_; }
  [[nodiscard]] const Viewers& viewers() const { return viewers_; }
  /// There was media, but none recently: the owner may be gone.
  [[nodiscard]] bool is_silent() const;
  /// When the last media came; before any, since when it is waited for here.
  [[nodiscard]] SteadyTime last_media() const { return last_media_; }
  /// As measured by the stream's own clock; 0: not yet.
  [[nodiscard]] std::uint64_t bits_per_second() const { return ts_index_.bits_per_second(); }

 private:
  struct Expected {
    proto::ChunkIndex index;
    SteadyTime heard;
  };
  void fill_silence();
  /// As far as the stream's rate is known.
  [[nodiscard]] MemoryClaim::Bytes memory_needed() const;
  void obey_budget();
  void count_fetch(proto::ChunkIndex index);

  StreamServices& services_;
  proto::StreamId id_;
  StreamStory story_;
  proto::TsIndex ts_index_;
  ChunkWindow window_;
  MemoryClaim claim_;
  ReadBack read_back_;
  Viewers viewers_;
  SteadyTime last_media_;
  SteadyTime last_filler_;
  bool is_behind_gap_{};
  std::optional<Expected> expected_;  ///< one at a time is timed
};

}  // namespace ace::streams
