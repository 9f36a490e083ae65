#include "workers/film_door.h"

#include <algorithm>
#include <utility>

namespace ace::workers {

void FilmDoor::on_film_session(const proto::StreamId& id, const engines::SessionInfo& info) {
  films_.adopt(id, info);
}

void FilmDoor::on_film_viewer(streams::NewViewer viewer) {
  const auto info = viewer.session->info();
  // Counted here already: as one that came from another worker.
  server_.adopt(viewer.session->release().socket, info.address, std::move(viewer.request),
                {.hops = std::max<std::uint8_t>(viewer.hops, 1),
                 .request_id = info.trace.id,
                 .seat = std::move(viewer.seat)});
}

}  // namespace ace::workers
