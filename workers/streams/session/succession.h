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

/// The newest chunks of a window, as many as a splicer compares with.
[[nodiscard]] std::vector<proto::ChunkPtr> tail_of(const ChunkWindow& window);

/// Hides changes of a stream's owner from its viewers in this worker. For a new owner it loads the
/// chunks and the engine session of the previous owner. For an owner it decides whether engines may
/// be commanded. For a worker that has lost the ownership it decides behind which chunk to follow.
class Succession {
 public:
  using HeritageCallback = std::function<void(Heritage)>;

  Succession(StreamServices& services, proto::StreamId id)
      : services_{services}, id_{id}, shield_{services.timers.make()} {}

  // --- becoming the owner

  /// The host's table granted the stream; `session` is the engine session of the previous owner.
  void on_granted(std::string session) { session_ = std::move(session); }
  [[nodiscard]] std::optional<engines::SessionInfo> known_session() const;
  /// The first viewer has arrived.
  void on_first_viewer() { watched_since_ = services_.clock.now(); }
  /// For how long it has been here; zero if there is none.
  [[nodiscard]] std::chrono::nanoseconds waited() const;
  /// Reads the chunks that the window lacks up to `index`, and the session if the host does not
  /// know it. If there is nothing to continue, the callback comes when the first viewer has stayed
  /// for StreamOptions::start_delay.
  void read_heritage(const ChunkWindow& window, proto::ChunkIndex index, bool has_lease,
                     HeritageCallback callback);
  void stop_reading();

  // --- owning

  /// Another worker owns the stream. If this worker becomes the owner next, that is a takeover.
  void on_foreign() { was_foreign_ = true; }
  /// Counts a takeover.
  void on_owning();
  /// Redis is reachable but its answer about the owner is an error: only the host's table decides.
  void own_alone(bool is_alone) { is_alone_ = is_alone; }
  /// Whether engines may be commanded: no other worker can own the stream by now.
  [[nodiscard]] bool may_command(const ownership::StreamLease& lease) const;
  /// Whether a session that broke off may be stopped: no other host can have continued it.
  [[nodiscard]] bool may_stop(const ownership::StreamLease& lease) const;
  /// Redis has our chunks up to `index`; 0: it has none of them.
  void on_committed(proto::ChunkIndex index) { committed_ = index; }

  // --- following

  /// Another worker owns the stream, and Redis has chunks up to `index`. Later chunks are spliced
  /// onto what our viewers got beyond our last commit.
  void step_down(const ChunkWindow& window, proto::ChunkIndex index);
  /// The stream has ended and begins anew for viewers who had joined it: what comes next, from an
  /// engine or from another owner, is spliced onto what they got.
  void begin_anew(const ChunkWindow& window);
  /// The chunk behind which to follow; nothing: begin where a joining viewer would.
  [[nodiscard]] std::optional<proto::ChunkIndex> follow_after(const ChunkWindow& window);
  /// The part of a followed chunk that viewers have not got; null if they have got all of it.
  [[nodiscard]] proto::ChunkPtr news_of(proto::ChunkPtr chunk);

 private:
  void delay_cold_start(Heritage nothing, const HeritageCallback& callback);

  StreamServices& services_;
  proto::StreamId id_;
  std::string session_;
  std::shared_ptr<HeritageReader> reader_;
  std::unique_ptr<loop::Timer> shield_;
  SteadyTime watched_since_;  ///< arrival of the first viewer; without viewers long ago
  bool is_alone_{};
  bool was_foreign_{};
  proto::ChunkIndex committed_;
  std::optional<proto::ChunkIndex> follow_after_;
  Splicer splicer_;
};

}  // namespace ace::streams
