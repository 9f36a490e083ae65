#include "tests/e2e/stream/sockets.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <stdexcept>
#include <utility>

namespace ace::test {
namespace {

/// More than any backlog of 0 takes.
constexpr int kMostQueued = 16;
/// Loopback completes a handshake within microseconds: after this long it never will.
constexpr int kHandshakeMs = 100;

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

struct BoundSocket {
  UniqueFd fd;
  std::uint16_t port{};
};

BoundSocket bind_anywhere() {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  auto address = loopback(0);
  socklen_t size = sizeof address;
  auto* const raw = reinterpret_cast<sockaddr*>(&address);
  if (::bind(fd.get(), raw, size) != 0 || ::getsockname(fd.get(), raw, &size) != 0) {
    throw std::runtime_error{"no free port"};
  }
  return {.fd = std::move(fd), .port = ntohs(address.sin_port)};
}

}  // namespace

RefusingPort::RefusingPort() {
  auto bound = bind_anywhere();
  fd_ = std::move(bound.fd);
  port_ = bound.port;
}

RevolvingPort::RevolvingPort() {
  auto bound = bind_anywhere();
  if (::listen(bound.fd.get(), 128) != 0) throw std::runtime_error{"cannot listen"};
  fd_ = std::move(bound.fd);
  port_ = bound.port;
}

std::size_t RevolvingPort::turn() {
  pollfd waiting{.fd = fd_.get(), .events = POLLIN, .revents = 0};
  while (::poll(&waiting, 1, 0) == 1) {
    const UniqueFd guest{::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)};
    if (guest) ++guests_;
  }
  return guests_;
}

SilentPort::SilentPort() {
  auto bound = bind_anywhere();
  fd_ = std::move(bound.fd);
  port_ = bound.port;
  if (::listen(fd_.get(), 0) != 0) throw std::runtime_error{"listen failed"};
  const auto address = loopback(port_);
  for (int i = 0; i < kMostQueued; ++i) {
    queue_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int fd = queue_.back().get();
    static_cast<void>(::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
    pollfd connected{.fd = fd, .events = POLLOUT, .revents = 0};
    if (::poll(&connected, 1, kHandshakeMs) == 0) return;
  }
  throw std::runtime_error{"the queue of a listening socket does not fill"};
}

}  // namespace ace::test
