#include "workers/film_door.h"

#include <algorithm>
#include <utility>

namespace ace::workers {

void FilmDoor::on_film_session(const proto::StreamId& id, const engines::SessionInfo& info) {
  films_.adopt(id, info);
}

void FilmDoor::on_film_viewer(streams::NewViewer viewer) {
  auto peer = viewer.session->info().address;
  // Counted here already: as one that came from another worker.
  server_.adopt(viewer.session->release().socket, std::move(peer), std::move(viewer.request),
                {.hops = std::max<std::uint8_t>(viewer.hops, 1), .seat = std::move(viewer.seat)});
}

}  // namespace ace::workers
