#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "coordinator/host/scoreboard.h"
#include "proto/http/request.h"
#include "workers/films/films.h"
#include "workers/http/answers.h"
#include "workers/http/connection.h"
#include "workers/streams/session/stream_manager.h"
#include "workers/streams/window/memory_budget.h"

namespace ace::http {

/// `GET /ace/getstream?id=…` and `GET /ace/{id}.ts`: decides which worker serves the client, hands
/// it over or turns its connection into a viewer of the stream. HEAD is answered at once and
/// touches nothing.
class GetstreamHandler {
 public:
  struct Limits {
    std::size_t max_clients{};             ///< of this host; 0: none
    std::size_t max_clients_per_stream{};  ///< likewise
    std::size_t max_starts_per_address{};  ///< likewise
    std::chrono::milliseconds max_delay{45'000};
  };

  /// Everything outlives the handler.
  GetstreamHandler(streams::StreamServices& services, streams::StreamManager& streams,
                   films::Films& films, const streams::MemoryBudget& memory, const Answers& answers,
                   Limits limits);

  void handle(Connection& connection, proto::http::Request request);
  /// Why no client is taken on this host, whatever it asks for; nothing: they are taken.
  struct Fullness {
    host::Refusal why{};
    streams::StartFailure failure;
  };
  [[nodiscard]] std::optional<Fullness> fullness() const;

 private:
  void refuse(Connection& connection, const proto::http::Request& request,
              const Fullness& fullness);
  void place(Connection& connection, const proto::http::Request& request,
             const proto::StreamId& id);
  void hand_over(Connection& connection, host::WorkerRef to);
  /// False: what `id` names is no film, as far as this host knows.
  [[nodiscard]] bool handle_film(Connection& connection, const proto::http::Request& request,
                                 const proto::StreamId& id);
  void serve_film(Connection& connection, const proto::http::Request& request,
                  const proto::StreamId& id);
  void serve(Connection& connection, proto::http::Request request, const proto::StreamId& id);
  [[nodiscard]] bool is_full(const proto::StreamId& id) const;
  /// A follower would get its chunks out of Redis.
  [[nodiscard]] bool can_follow() const;
  [[nodiscard]] bool must_be_served_elsewhere(const proto::StreamId& id) const;

  streams::StreamServices& services_;
  streams::StreamManager& streams_;
  films::Films& films_;
  const streams::MemoryBudget& memory_;
  const Answers& answers_;
  Limits limits_;
};

}  // namespace ace::http
