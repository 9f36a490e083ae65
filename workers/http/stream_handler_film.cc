// The part of StreamHandler that knows films: their sessions stand in the host's table under other
// ids, each with its viewer, and Redis has nothing to add.

#include <fmt/format.h>

#include <algorithm>

#include "workers/films/film_row.h"
#include "workers/http/router.h"
#include "workers/http/stream_handler.h"

namespace ace::http {

StreamHandler::Film StreamHandler::film_of(const proto::StreamId& id) const {
  Film film;
  // What turned out to be a film may stand there as a stream still, on its way out.
  if (is_owned_here(id) && !services_.host.films().is_film(id, services_.clock.now())) return film;
  for (auto& session : services_.table().list(services_.board())) {
    if (!films::plays_film(session, id)) continue;
    if (auto reader = films::reader_of(session)) film.clients.push_back(std::move(*reader));
    film.sessions.push_back(std::move(session));
  }
  return film;
}

void StreamHandler::order_film(Connection& connection, const proto::http::Request& request,
                               const proto::StreamId& id, const host::StreamOrder& order,
                               const Film& film) const {
  const auto refuse = [&](int status, std::string_view code, std::string_view why) {
    answer(connection, request, answers_.error(request, status, code, why));
  };
  const bool is_kick = order.kind == host::OrderKind::Kick;
  if (order.kind == host::OrderKind::Migrate) {
    return refuse(409, "is_a_film", "a recording is played to one viewer and stays on its engine");
  }
  if (is_kick && std::ranges::none_of(film.clients, [&](const proto::ClientRecord& client) {
        return client.id.value == order.argument;
      })) {
    return refuse(404, "no_such_client", "the film has no such client");
  }
  // Other hosts' sessions of it are theirs: the board reaches all that were looked at.
  services_.host.orders().post(id, order);
  answer(connection, request, answers_.json(request, 202, R"({"accepted":true})"));
}

bool StreamHandler::answer_film(Connection& connection, const proto::http::Request& request,
                                const proto::StreamId& id) const {
  auto film = film_of(id);
  if (film.sessions.empty()) return false;
  connection.arrival() = {};  // what comes here as a client of the stream is none
  // Of several viewers' sessions the page shows the first one.
  auto shown = film.sessions.front();
  shown.id = id;
  shown.viewers = 0;
  for (const auto& session : film.sessions) shown.viewers += session.viewers;
  const auto pid = services_.board().slots[shown.owner.slot].pid.load();
  film.clients.resize(std::min(film.clients.size(), kMaxClients));
  answer(connection, request, answers_.built(request, proto::http::kJsonType, [&] {
    return page_json(shown, fmt::format("{}:{}", host_name_, pid), film.clients);
  }));
  return true;
}

}  // namespace ace::http
