#pragma once

#include "workers/films/films.h"
#include "workers/http/server.h"
#include "workers/streams/session/stream_manager.h"

namespace ace::workers {

/// Where viewers of a stream go that turned out to be a film: back to where requests are read, for
/// by now it is known what theirs asks for.
class FilmDoor final : public streams::StreamManager::FilmDoor {
 public:
  /// Both may be made after it, and are used only then.
  FilmDoor(films::Films& films, http::Server& server) : films_{films}, server_{server} {}

  void on_film_session(const proto::StreamId& id, const engines::SessionInfo& info) override;
  void on_film_viewer(streams::NewViewer viewer) override;

 private:
  films::Films& films_;
  http::Server& server_;
};

}  // namespace ace::workers
