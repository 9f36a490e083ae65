// The part of GetstreamHandler that serves what turned out to be a film: not shared, from an engine
// session of its own.

#include <utility>

#include "shared/base/random_id.h"
#include "workers/clients/client_socket.h"
#include "workers/http/getstream_handler.h"

namespace ace::http {
namespace {

/// A worker that has just taken over a film sends its viewers on once more; then it plays itself.
constexpr std::uint8_t kMaxFilmHops = 2;

films::FilmHead head_of(const host::FilmFacts& facts) {
  films::FilmHead head;
  head.status = 200;
  head.content_type = facts.content_type.empty() ? "application/octet-stream" : facts.content_type;
  if (facts.size > 0) head.length = head.size = facts.size;
  head.takes_ranges = true;
  return head;
}

}  // namespace

bool GetstreamHandler::handle_film(Connection& connection, const proto::http::Request& request,
                                   const proto::StreamId& id) {
  auto& films = services_.host.films();
  const auto now = services_.clock.now();
  if (request.method == proto::http::Method::Head) {
    const auto facts = films.facts_of(id, now);
    if (facts) connection.respond_and_close(answers_.film_head(request, head_of(*facts)));
    return facts.has_value();
  }
  const auto player = films.player_of(services_.board(), id, services_.self, now);
  if (!player) return false;
  auto& arrival = connection.arrival();
  const auto full = arrival.hops == 0 ? fullness() : std::nullopt;
  if (full) {
    refuse(connection, request, *full);
  } else if (*player != services_.self && arrival.hops < kMaxFilmHops) {
    arrival.seat = {};  // counted anew where it goes now
    services_.handover.count_on_its_way(*player);
    hand_over(connection, *player);
  } else {
    serve_film(connection, request, id);
  }
  return true;
}

void GetstreamHandler::serve_film(Connection& connection, const proto::http::Request& request,
                                  const proto::StreamId& id) {
  auto& arrival = connection.arrival();
  if (arrival.hops == 0) {  // nobody has placed it
    ++services_.me().clients;
    arrival.seat = clients::ClientSeat{services_.me()};
  }
  auto seat = std::move(arrival.seat);
  auto taken = connection.take_socket();
  clients::tune_client_socket(taken.socket.get());
  films_.serve(
      id, {.socket = std::move(taken.socket),
           .info = {.id = {random_hex(8)},
                    .address = connection.client(),
                    .agent = proto::http::agent_of(request),
                    .connected_at = services_.clock.wall_now(),
                    .trace = connection.trace()},
           .seat = std::move(seat),
           .range = proto::http::requested_range(request),
           .head = [&answers = answers_, request](
                       const films::FilmHead& head) { return answers.film_head(request, head); },
           .refusal =
               [&answers = answers_, request](const streams::StartFailure& failure) {
                 return answers.failure(request, failure);
               }});
}

}  // namespace ace::http
