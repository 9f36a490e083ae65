#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "coordinator/host/order_board.h"
#include "coordinator/host/stream_view.h"
#include "proto/redis/client_record.h"
#include "workers/http/answers.h"
#include "workers/http/connection.h"
#include "workers/streams/session/stream_manager.h"

namespace ace::http {

/// `/streams/{id}`: one stream with its clients, and what it can be told to do. Orders are answered
/// with 202 at once: the workers that they concern hear of them within a second.
class StreamHandler {
 public:
  /// Clients that are shown at most.
  static constexpr std::size_t kMaxClients = 500;

  /// References must outlive it.
  StreamHandler(streams::StreamServices& services, streams::StreamManager& streams,
                std::string host_name, const Answers& answers);

  /// `GET /streams/{id}`
  void show(Connection& connection, const proto::http::Request& request) const;
  /// `POST /streams/{id}/migrate`, the engine in the body (`{"engine":"…"}`) or in the query.
  void migrate(Connection& connection, const proto::http::Request& request) const;
  /// `DELETE /streams/{id}`
  void end(Connection& connection, const proto::http::Request& request) const;
  /// `DELETE /streams/{id}/clients/{client}`
  void kick(Connection& connection, const proto::http::Request& request) const;

 private:
  struct Page;
  struct Film {
    std::vector<host::StreamView>
        sessions;  ///< that this host's workers play it from; none: no film
    std::vector<proto::ClientRecord> clients;
  };

  void order(Connection& connection, const proto::http::Request& request, const proto::StreamId& id,
             const host::StreamOrder& order) const;
  void give(const proto::StreamId& id, const host::StreamOrder& order) const;
  [[nodiscard]] bool is_owned_here(const proto::StreamId& id) const;
  /// Without Redis only the owner knows its clients. True: the request has gone to its worker.
  [[nodiscard]] bool goes_to_owner(Connection& connection, const proto::StreamId& id) const;
  [[nodiscard]] Film film_of(const proto::StreamId& id) const;
  void order_film(Connection& connection, const proto::http::Request& request,
                  const proto::StreamId& id, const host::StreamOrder& order,
                  const Film& film) const;
  /// False: this host plays no film of that id.
  [[nodiscard]] bool answer_film(Connection& connection, const proto::http::Request& request,
                                 const proto::StreamId& id) const;
  void read_page(const std::shared_ptr<Page>& page) const;
  void read_clients(const std::shared_ptr<Page>& page, const redis::Reply& ids) const;
  void answer_page(Page& page) const;
  [[nodiscard]] static std::string page_json(const host::StreamView& stream, std::string_view owner,
                                             const std::vector<proto::ClientRecord>& clients);

  streams::StreamServices& services_;
  streams::StreamManager& streams_;
  std::string host_name_;
  const Answers& answers_;
  mutable std::unordered_map<proto::StreamId, std::shared_ptr<Page>> pages_;  ///< being gathered
  std::shared_ptr<const StreamHandler*> alive_;
};

}  // namespace ace::http
