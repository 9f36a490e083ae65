#include "workers/http/server.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "proto/http/response.h"
#include "shared/log/log.h"
#include "workers/http/stream_request.h"

namespace ace::http {
namespace {

/// Connections taken in one go: the others of this turn must not wait behind a flood.
constexpr int kAcceptBatch = 16;
constexpr std::chrono::milliseconds kDescriptorPause{100};
constexpr std::chrono::seconds kRetryAfter{3};

std::string peer_name(const sockaddr_storage& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (address.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
    ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    return fmt::format("{}:{}", text.data(), ntohs(v4.sin_port));
  }
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    return fmt::format("[{}]:{}", text.data(), ntohs(v6.sin6_port));
  }
  return "unix";
}

UniqueFd spare_descriptor() { return UniqueFd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }

/// Whether the process has nearly as many descriptors as it may: the kernel gives the lowest number
/// that is free, so all below this one are taken. The limit is asked each time, for it can be
/// changed while we run.
bool is_of_the_reserve(int fd) {
  constexpr rlim_t kLeastReserve = 16;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return false;
  const auto reserve = std::max(limit.rlim_cur / 8, kLeastReserve);
  return static_cast<rlim_t>(fd) + reserve >= limit.rlim_cur;
}

}  // namespace

Server::Server(const ConnectionServices& services, host::SlotBoard& board, const Router& router,
               std::vector<int> listen_fds)
    : services_{services},
      board_{board},
      router_{router},
      listen_fds_{std::move(listen_fds)},
      resume_{services.timers.make()},
      spare_{spare_descriptor()},
      alive_{std::make_shared<Server*>(this)} {
  for (const int fd : listen_fds_) {
    watchers_.push_back(std::make_unique<loop::FdWatcher>(
        services_.loop, fd, [this, fd](loop::FdEvents) { accept_from(fd); }));
  }
}

Server::~Server() = default;

void Server::start_accepting() {
  is_accepting_ = true;
  for (const auto& watcher : watchers_) watcher->watch(true, false);
}

void Server::stop_accepting() {
  is_accepting_ = false;
  resume_->stop();
  watchers_.clear();
  std::erase_if(connections_, [](const auto& entry) { return entry.second->is_reading(); });
  board_.connections = static_cast<std::uint32_t>(connections_.size());
}

std::vector<Connection::Taken> Server::release_reading() {
  std::vector<Connection::Taken> taken;
  for (const auto& [key, connection] : connections_) {
    if (connection->is_reading()) taken.push_back(connection->take_socket());
  }
  return taken;
}

void Server::adopt(UniqueFd socket, std::string peer, std::string preread, Arrival arrival) {
  add(std::move(socket), std::move(peer), std::move(preread), std::move(arrival));
}

void Server::accept_from(int listen_fd) {
  bool is_short = false;
  for (int i = 0; i < kAcceptBatch && is_accepting_; ++i) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    UniqueFd socket{::accept4(listen_fd, reinterpret_cast<sockaddr*>(&address), &size,
                              SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (socket && is_of_the_reserve(socket.get())) {
      is_short = true;
      turn_away(std::move(socket));
      continue;
    }
    if (socket) {
      add(std::move(socket), peer_name(address), {}, {});
      continue;
    }
    if (errno == EINTR || errno == ECONNABORTED) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      on_out_of_descriptors(listen_fd);
      return;
    }
    break;
  }
  // While it rests, the other workers take what comes.
  if (is_short && is_accepting_) rest("descriptors_are_short");
}

void Server::turn_away(UniqueFd socket) {
  proto::http::ResponseHead head;
  head.status = 503;
  head.add("X-Ace-Worker", services_.worker_id.value);
  proto::http::add_retry_after(head, kRetryAfter);
  const auto answer =
      whole_response(std::move(head), {}, proto::http::Connection::Close, proto::http::kJsonType,
                     proto::http::json_error(503, "too_many_connections", "too many connections"),
                     services_.clock.wall_now());
  // As much of the request as is here: a close with unread input would cost the client our answer.
  std::array<char, 8192> ignored{};
  (void)::recv(socket.get(), ignored.data(), ignored.size(), MSG_DONTWAIT);
  (void)::send(socket.get(), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Server::on_out_of_descriptors(int listen_fd) {
  // The waiting client is told by a close, and accepting rests: a listening socket that stays
  // readable would spin the loop.
  spare_.reset();
  UniqueFd refused{::accept4(listen_fd, nullptr, nullptr, SOCK_CLOEXEC)};
  refused.reset();
  spare_ = spare_descriptor();
  rest("out_of_descriptors");
}

void Server::rest(std::string_view event) {
  log::warn(event, "connections={} pause_ms={}", connections_.size(), kDescriptorPause.count());
  for (const auto& watcher : watchers_) watcher->watch(false, false);
  resume_->once(kDescriptorPause, [this] { start_accepting(); });
}

void Server::add(UniqueFd socket, std::string peer, std::string preread, Arrival arrival) {
  auto made =
      std::make_unique<Connection>(services_, std::move(socket), std::move(peer),
                                   std::move(arrival), static_cast<Connection::Listener&>(*this));
  auto& connection = *made;
  connections_[&connection] = std::move(made);
  board_.connections = static_cast<std::uint32_t>(connections_.size());
  connection.start(std::move(preread));
}

bool Server::on_head(Connection& connection, const proto::http::Request& head) {
  return router_.admits(connection, head);
}

void Server::on_request(Connection& connection, proto::http::Request request) {
  ++board_.requests;
  drop_additions(request.target);
  log::debug("request", "request={} client={} method={} path={:?}", request.id, connection.client(),
             request.method_name, request.path());
  router_.route(connection, std::move(request));
}

void Server::on_connection_done(Connection& connection) {
  services_.loop.post([weak = std::weak_ptr{alive_}, key = &connection] {
    const auto self = weak.lock();
    if (!self) return;
    auto& server = **self;
    server.connections_.erase(key);
    server.board_.connections = static_cast<std::uint32_t>(server.connections_.size());
  });
}

}  // namespace ace::http
