#include "workers/http/getstream_handler.h"

#include <memory>
#include <utility>

#include "coordinator/host/fnv1a.h"
#include "shared/base/random_id.h"
#include "shared/net/ip_address.h"
#include "workers/clients/client_socket.h"
#include "workers/http/router.h"
#include "workers/http/stream_request.h"

namespace ace::http {
namespace {

/// One hop places a client. Without Redis only the owner can serve it, and a worker that has just
/// won or lost a stream sends it on; then this many hops end a chase.
constexpr std::uint8_t kMaxHops = 4;

streams::StartFailure busy(std::string code, std::string message) {
  return {.status = 503, .code = std::move(code), .message = std::move(message), .engines = {}};
}

/// Equal for requests of one address. A host of IPv6 has a network of 64 bits to itself.
std::uint64_t starter_key(const std::string& client) {
  const auto address = net::IpAddress::parse_host_port(client);
  if (!address) return host::fnv1a(net::without_port(client));
  return host::fnv1a(address->is_v4() ? address->text() : address->masked(64).text());
}

GetstreamHandler::Fullness memory_short() {
  return {.why = host::Refusal::MemoryShort,
          .failure = busy("memory_short", "memory is short: no new viewers for now")};
}

}  // namespace

GetstreamHandler::GetstreamHandler(streams::StreamServices& services,
                                   streams::StreamManager& streams, films::Films& films,
                                   const streams::MemoryBudget& memory, const Answers& answers,
                                   Limits limits)
    : services_{services},
      streams_{streams},
      films_{films},
      memory_{memory},
      answers_{answers},
      limits_{limits} {}

void GetstreamHandler::handle(Connection& connection, proto::http::Request request) {
  const auto asked = requested_stream(request);
  if (!asked) {
    const bool is_missing = asked.error().code == Errc::NotFound;
    answer(connection, request,
           answers_.error(request, 400, is_missing ? "missing_id" : "bad_id", asked.error().text));
    return;
  }
  if (const auto delay = requested_delay(request, limits_.max_delay); !delay) {
    answer(connection, request, answers_.error(request, 400, "bad_delay", delay.error().text));
    return;
  }
  const auto id = services_.table().played_as(*asked);
  if (handle_film(connection, request, id)) return;
  if (request.method == proto::http::Method::Head) {
    connection.respond_and_close(answers_.stream_head(request));
    return;
  }
  if (const auto failure = streams_.refusal_for(id)) {
    connection.respond_and_close(answers_.failure(request, *failure));
    return;
  }
  // Asked again where a client is handed over to: others may have come while it was on its way.
  if (is_full(id)) {
    refuse(connection, request,
           {.why = host::Refusal::StreamFull,
            .failure =
                busy("stream_full",
                     "this stream has as many viewers as PROXY_MAX_CLIENTS_PER_STREAM allows")});
    return;
  }
  const bool is_placed = connection.arrival().hops > 0 && !must_be_served_elsewhere(id);
  if (is_placed && !streams_.has(id) && !memory_.has_room()) {
    refuse(connection, request, memory_short());
  } else if (is_placed) {
    serve(connection, std::move(request), id);
  } else {
    place(connection, request, id);
  }
}

void GetstreamHandler::place(Connection& connection, const proto::http::Request& request,
                             const proto::StreamId& id) {
  auto& arrival = connection.arrival();
  if (arrival.hops >= kMaxHops) {
    connection.respond_and_close(answers_.failure(
        request, busy("owner_busy", "the worker that has this stream does not answer")));
    return;
  }
  arrival.seat = {};  // counted anew where it is placed now
  if (const auto full = fullness()) return refuse(connection, request, *full);
  const auto placed = services_.table().place(
      services_.board(), id, services_.self, !can_follow(),
      {.key = starter_key(connection.client()), .most_starts = limits_.max_starts_per_address});
  if (!placed) {
    const bool is_starter = placed.error().code == Errc::Refused;
    return refuse(connection, request,
                  {.why = is_starter ? host::Refusal::TooManyStarts : host::Refusal::TooManyStreams,
                   .failure = busy(is_starter ? "too_many_starts" : "too_many_streams",
                                   placed.error().text)});
  }
  if (placed->worker != services_.self) {
    hand_over(connection, placed->worker);
    return;
  }
  arrival.seat = clients::ClientSeat{services_.me()};
  serve(connection, request, id);
}

void GetstreamHandler::hand_over(Connection& connection, host::WorkerRef to) {
  const auto hops = connection.arrival().hops;
  auto& trace = connection.trace();
  auto taken = connection.take_socket();
  services_.handover.offer(
      to, {.socket = std::move(taken.socket),
           .peer = std::move(taken.peer),
           .request = std::move(taken.raw),
           .hops = hops,
           .trace = {.id = std::move(trace.id), .user = {}, .line = {}, .referer = {}}});
}

void GetstreamHandler::serve(Connection& connection, proto::http::Request request,
                             const proto::StreamId& id) {
  auto seat = std::move(connection.arrival().seat);
  const auto hops = connection.arrival().hops;
  auto taken = connection.take_socket();
  clients::tune_client_socket(taken.socket.get());
  const auto delay =
      requested_delay(request, limits_.max_delay).value_or(std::chrono::milliseconds{0});
  auto session = std::make_unique<clients::ClientSession>(
      services_.loop, services_.clock, std::move(taken.socket),
      clients::ClientInfo{.id = {random_hex(8)},
                          .address = connection.client(),
                          .agent = proto::http::agent_of(request),
                          .connected_at = services_.clock.wall_now(),
                          .trace = connection.trace()},
      answers_.stream_head(request), proto::http::stream_framing(request));
  streams_.open(id, {.session = std::move(session),
                     .seat = std::move(seat),
                     .refusal =
                         [&answers = answers_,
                          request = std::move(request)](const streams::StartFailure& failure) {
                           return answers.failure(request, failure);
                         },
                     .request = std::move(taken.raw),
                     .hops = hops,
                     .delay = delay});
}

void GetstreamHandler::refuse(Connection& connection, const proto::http::Request& request,
                              const Fullness& fullness) {
  ++services_.me().refusals[static_cast<std::size_t>(fullness.why)];
  connection.respond_and_close(answers_.failure(request, fullness.failure));
}

std::optional<GetstreamHandler::Fullness> GetstreamHandler::fullness() const {
  if (!memory_.has_room()) return memory_short();
  if (limits_.max_clients == 0) return std::nullopt;
  std::size_t clients = 0;
  for (const auto& slot : services_.board().slots) clients += slot.clients;
  if (clients < limits_.max_clients) return std::nullopt;
  return Fullness{.why = host::Refusal::TooManyClients,
                  .failure = busy("too_many_clients",
                                  "this host has as many viewers as PROXY_MAX_CLIENTS allows")};
}

bool GetstreamHandler::is_full(const proto::StreamId& id) const {
  if (limits_.max_clients_per_stream == 0) return false;
  const auto stream = services_.table().find(services_.board(), id);
  return stream && stream->viewers >= limits_.max_clients_per_stream;
}

bool GetstreamHandler::can_follow() const {
  return services_.redis_is_up() && !services_.redis_is_full();
}

bool GetstreamHandler::must_be_served_elsewhere(const proto::StreamId& id) const {
  if (can_follow()) return false;
  const auto stream = services_.table().find(services_.board(), id);
  return stream && stream->owner.generation != 0 && stream->owner != services_.self;
}

}  // namespace ace::http
