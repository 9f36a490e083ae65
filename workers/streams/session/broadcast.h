#pragma once

#include <optional>
#include <vector>

#include "coordinator/handover/estate.h"
#include "proto/mpeg_ts/ts_index.h"
#include "workers/streams/session/stream_story.h"
#include "workers/streams/session/viewers.h"
#include "workers/streams/store/read_back.h"
#include "workers/streams/window/chunk_window.h"

namespace ace::streams {

/// What this worker has of a stream, and who gets it: indexes each chunk as it comes, keeps the
/// recent ones, feeds the viewers, and fills the stream's silences for them.
class Broadcast {
 public:
  Broadcast(StreamServices& services, proto::StreamId id, Viewers::Listener& listener);

  /// The next chunk, of the owner's own or out of Redis. `is_live`: there is none behind it yet. A
  /// follower that has just begun reads seconds of media within a moment: whoever waits begins with
  /// the key frame in there, not with its first byte.
  void push(proto::OwnerEpoch epoch, proto::ChunkIndex index, proto::ChunkPtr chunk, bool is_live);
  /// Goes on with the buffer of a worker that is being replaced: all of it, or what came there
  /// behind what is here.
  void inherit(const std::vector<handover::Estate::Piece>& pieces);
  /// Chunks are missing that viewers should have got now: the next one is marked as a jump.
  void expect_gap() { is_behind_gap_ = !window_.empty(); }
  /// Redis has all up to this one: viewers that trail can get it from there.
  void on_stored(proto::ChunkCursor newest) { window_.on_stored(newest); }
  /// A follower has heard of a chunk that it will fetch.
  void expect(proto::ChunkIndex index);
  /// Twice a second; what a silence comes from, if this is one.
  void tick(StallFacts facts);

  [[nodiscard]] ChunkWindow& window() { return window_; }
  [[nodiscard]] StreamStory& story() { return story_; }
  [[nodiscard]] Viewers& viewers() { return viewers_; }
  [[nodiscard]] const Viewers& viewers() const { return viewers_; }
  /// There was media, but none of late: its owner may be gone.
  [[nodiscard]] bool is_silent() const;
  /// As measured by the stream's own clock; 0: not yet.
  [[nodiscard]] std::uint64_t bits_per_second() const { return ts_index_.bits_per_second(); }

 private:
  struct Expected {
    proto::ChunkIndex index;
    SteadyTime heard;
  };
  void fill_silence();
  void count_fetch(proto::ChunkIndex index);

  StreamServices& services_;
  StreamStory story_;
  proto::TsIndex ts_index_;
  ChunkWindow window_;
  ReadBack read_back_;
  Viewers viewers_;
  SteadyTime last_media_;
  SteadyTime last_filler_;
  bool is_behind_gap_{};
  std::optional<Expected> expected_;  ///< one at a time is timed
};

}  // namespace ace::streams
