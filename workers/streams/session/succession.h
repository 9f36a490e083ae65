#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "workers/streams/ingest/splicer.h"
#include "workers/streams/session/heritage_reader.h"
#include "workers/streams/session/stream_services.h"

namespace ace::streams {

/// The last chunks of a window, as far as a splicer compares with them.
[[nodiscard]] std::vector<proto::ChunkPtr> tail_of(const ChunkWindow& window);

/// What one stream needs so that its viewers here do not notice changes of its owner: what a new
/// owner goes on with, what an owner may still do, and where one goes on who is owner no longer.
class Succession {
 public:
  using HeritageCallback = std::function<void(Heritage)>;

  Succession(StreamServices& services, proto::StreamId id)
      : services_{services}, id_{id}, shield_{services.timers.make()} {}

  // --- becoming the owner

  /// The host's table granted the stream, and told the engine session as the last owner had it.
  void on_granted(std::string session) { session_ = std::move(session); }
  [[nodiscard]] std::optional<engines::SessionInfo> known_session() const;
  /// Somebody has come where nobody was.
  void on_first_viewer() { watched_since_ = services_.clock.now(); }
  /// The chunks that the window lacks up to `index`, and the session if the host does not know it.
  /// Where there is nothing at all to go on with, the answer waits until somebody has been there
  /// for StreamOptions::start_delay.
  void read_heritage(const ChunkWindow& window, proto::ChunkIndex index, bool has_lease,
                     HeritageCallback callback);
  void stop_reading();

  // --- owning

  /// The stream has been another worker's; if the next owner is this one, it takes over.
  void on_foreign() { was_foreign_ = true; }
  /// Counts what has been taken over.
  void on_owning();
  /// Redis is there and refuses to say who owns the stream: the host's table alone decides.
  void own_alone(bool is_alone) { is_alone_ = is_alone; }
  /// Whether an engine may be told anything: nobody else owns the stream by now.
  [[nodiscard]] bool may_command(const ownership::StreamLease& lease) const;
  /// Whether a session that broke off may be ended: no other host can have gone on with it.
  [[nodiscard]] bool may_stop(const ownership::StreamLease& lease) const;
  /// Redis has our chunks up to this one; 0: it has none of them.
  void on_committed(proto::ChunkIndex index) { committed_ = index; }

  // --- following

  /// Somebody else owns the stream, and Redis stands at `index`: what comes from there is spliced
  /// onto what viewers got beyond our last commit.
  void step_down(const ChunkWindow& window, proto::ChunkIndex index);
  /// The chunk to follow behind; nothing: where a joiner would begin.
  [[nodiscard]] std::optional<proto::ChunkIndex> follow_after(const ChunkWindow& window);
  /// What viewers have not got of a followed chunk; nothing when that is all of it.
  [[nodiscard]] proto::ChunkPtr news_of(proto::ChunkPtr chunk);

 private:
  void delay_cold_start(Heritage nothing, const HeritageCallback& callback);

  StreamServices& services_;
  proto::StreamId id_;
  std::string session_;
  std::shared_ptr<HeritageReader> reader_;
  std::unique_ptr<loop::Timer> shield_;
  SteadyTime watched_since_;  ///< without anybody here: long ago
  bool is_alone_{};
  bool was_foreign_{};
  proto::ChunkIndex committed_;
  std::optional<proto::ChunkIndex> follow_after_;
  Splicer splicer_;
};

}  // namespace ace::streams
