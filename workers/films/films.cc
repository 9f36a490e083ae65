#include "workers/films/films.h"

#include <utility>

namespace ace::films {

void Films::serve(const proto::StreamId& id, FilmViewer viewer) {
  auto relay = std::make_shared<FilmRelay>(services_, sessions_, id, std::move(viewer));
  relays_.push_back(relay);
  if (is_stopping_) return static_cast<FilmReader&>(*relay).on_film_refused(streams::stopping());
  relay->start();
}

void Films::adopt(const proto::StreamId& id, const engines::SessionInfo& info) {
  sessions_.adopt(id, info);
  if (is_stopping_) sessions_.shut_down();
}

void Films::tick() {
  for (const auto& relay : relays_) relay->tick();
  std::erase_if(relays_, [](const auto& relay) { return relay->is_closed(); });
  sessions_.tick();
}

void Films::shut_down() {
  is_stopping_ = true;
  for (const auto& relay : relays_) relay->end("the proxy is being stopped");
  relays_.clear();
  sessions_.shut_down();
}

}  // namespace ace::films
