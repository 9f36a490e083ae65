#pragma once

#include <memory>
#include <vector>

#include "workers/films/film_relay.h"
#include "workers/films/film_sessions.h"

namespace ace::films {

/// The films of this worker: their readers and their engine sessions.
class Films {
 public:
  explicit Films(streams::StreamServices& services) : services_{services}, sessions_{services} {}

  void serve(const proto::StreamId& id, FilmViewer viewer);
  /// Takes over the session that a stream had opened before it turned out to be a film.
  void adopt(const proto::StreamId& id, const engines::SessionInfo& info);
  /// Twice a second.
  void tick();
  /// Closes all connections and ends all sessions: players ask again for what they miss.
  void shut_down();
  [[nodiscard]] bool is_empty() const { return relays_.empty() && sessions_.is_empty(); }

 private:
  streams::StreamServices& services_;
  FilmSessions sessions_;
  std::vector<std::shared_ptr<FilmRelay>> relays_;
  bool is_stopping_{};
};

}  // namespace ace::films
