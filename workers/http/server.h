#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "coordinator/host/scoreboard.h"
#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "workers/http/connection.h"
#include "workers/http/router.h"

namespace ace::http {

/// Accepts connections on the sockets that all workers share, and keeps those that are being read
/// or answered. A connection that became a stream is not here any more. The last eighth of the
/// process's descriptors is left to Redis, engines and clients that other workers hand over: who
/// comes then is told 503.
class Server final : private Connection::Listener {
 public:
  /// `listen_fds` stay open elsewhere for as long as the server lives.
  Server(const ConnectionServices& services, host::SlotBoard& board, const Router& router,
         std::vector<int> listen_fds);
  ~Server() override;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  void start_accepting();
  /// Accepts nothing new and closes what has no whole request yet; what is being answered goes on.
  void stop_accepting();
  /// Takes out, for another worker, what has no whole request yet.
  [[nodiscard]] std::vector<Connection::Taken> release_reading();

  /// A client that another worker hands over, or that our own offer did not get rid of, with what
  /// was read of its request.
  void adopt(UniqueFd socket, std::string peer, std::string preread, Arrival arrival);

  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

 private:
  void accept_from(int listen_fd);
  void add(UniqueFd socket, std::string peer, std::string preread, Arrival arrival);
  void on_out_of_descriptors(int listen_fd);
  void turn_away(UniqueFd socket);
  void rest(std::string_view event);
  bool on_head(Connection& connection, const proto::http::Request& head) override;
  void on_request(Connection& connection, proto::http::Request request) override;
  void on_connection_done(Connection& connection) override;

  const ConnectionServices& services_;
  host::SlotBoard& board_;
  const Router& router_;
  std::vector<int> listen_fds_;
  std::vector<std::unique_ptr<loop::FdWatcher>> watchers_;
  std::unordered_map<const Connection*, std::unique_ptr<Connection>> connections_;
  std::unique_ptr<loop::Timer> resume_;
  /// Kept to be able to take one connection, and close it, when descriptors have run out.
  UniqueFd spare_;
  std::shared_ptr<Server*> alive_;
  bool is_accepting_{};
};

}  // namespace ace::http
