#pragma once

#include <memory>
#include <optional>
#include <set>
#include <unordered_map>
#include <vector>

#include "workers/streams/session/stream_session.h"

namespace ace::streams {

/// The streams of this worker, by id: made for their first viewer, gone when nothing is left to do.
class StreamManager final : private SessionListener {
 public:
  /// Where viewers of what is no stream go, and the session that was opened for them.
  class FilmDoor {
   public:
    virtual ~FilmDoor() = default;
    virtual void on_film_session(const proto::StreamId& id, const engines::SessionInfo& info) = 0;
    /// Its request has not been answered: it is to be read again.
    virtual void on_film_viewer(NewViewer viewer) = 0;
  };

  StreamManager(StreamServices& services, FilmDoor& films);
  ~StreamManager() override;
  StreamManager(const StreamManager&) = delete;
  StreamManager& operator=(const StreamManager&) = delete;

  /// Serves the viewer from the stream, starting it if need be.
  void open(const proto::StreamId& id, NewViewer viewer);
  /// Takes over a stream that has lost its owner, if nobody else does, and ends it when it stays
  /// without viewers.
  void mind(const proto::StreamId& id);
  /// Goes on with a client that is in the middle of its stream; in a worker that is being stopped,
  /// ends it properly.
  void resume(handover::Passenger passenger, clients::ClientSeat seat);
  [[nodiscard]] bool can_resume(const handover::Watching& watching) const;
  /// Hands `heir` a little more of all there is, again and again, until nothing is left.
  void move_to(host::WorkerRef heir);
  /// A stream of another worker that is being replaced, or one of ours that was not taken.
  void inherit(handover::Passenger estate);
  /// As handover::Handover::Listener has it.
  [[nodiscard]] bool on_estate_accepted(const handover::Estate& estate, host::WorkerRef heir);
  /// What is to be answered instead of open(): the worker is being stopped, or the stream could not
  /// be started just now, so that a player that asks again and again, and those who asked with it,
  /// do not open an engine session each time. Failures are shared by all workers of the host.
  [[nodiscard]] std::optional<StartFailure> refusal_for(const proto::StreamId& id) const;

  void on_redis_up();
  void on_worker_died();
  /// Twice a second.
  void tick();

  /// Ends all streams properly; is_empty() tells when that is done.
  void shut_down();
  [[nodiscard]] bool is_empty() const { return sessions_.empty() && leaving_.empty(); }
  [[nodiscard]] std::size_t size() const { return sessions_.size(); }
  [[nodiscard]] bool has(const proto::StreamId& id) const { return sessions_.contains(id); }
  /// Of the client that is furthest behind, at the last tick.
  [[nodiscard]] std::chrono::milliseconds longest_lag() const;

  [[nodiscard]] std::optional<proto::ClientFigures> figures_of(const proto::StreamId& stream,
                                                               const proto::ClientId& client) const;
  /// The stream's viewers in this worker.
  [[nodiscard]] std::vector<proto::ClientRecord> clients_of(const proto::StreamId& stream) const;

 private:
  void on_stream_closed() override;
  void on_other_name(const proto::StreamId& name, const proto::StreamId& other,
                     std::vector<NewViewer> viewers) override;
  void on_film(const proto::StreamId& id, std::vector<NewViewer> viewers,
               const std::optional<engines::SessionInfo>& session) override;
  [[nodiscard]] std::shared_ptr<StreamSession> make_session(const proto::StreamId& id);
  void release_unused_grants();
  void move_closed_away();

  StreamServices& services_;
  FilmDoor& films_;
  std::unordered_map<proto::StreamId, std::shared_ptr<StreamSession>> sessions_;
  /// Closed ones whose last viewers still get their rest.
  std::vector<std::shared_ptr<StreamSession>> leaving_;
  /// Granted by placement, but no session at the last tick: perhaps the client is on its way.
  std::set<proto::StreamId> unused_grants_;
  std::shared_ptr<StreamManager*> alive_;
  bool is_stopping_{};
};

}  // namespace ace::streams
