#include "tests/engine_sim/listener.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <charconv>

namespace ace::sim {
namespace {

Result<sockaddr_in> parse_address(const std::string& text) {
  const auto colon = text.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::uint16_t port = 0;
  const char* end = text.data() + text.size();
  if (colon == std::string::npos ||
      std::from_chars(text.data() + colon + 1, end, port).ptr != end ||
      ::inet_pton(AF_INET, text.substr(0, colon).c_str(), &address.sin_addr) != 1) {
    return fail(Errc::InvalidArgument, "not an IPv4 host:port: " + text);
  }
  address.sin_port = htons(port);
  return address;
}

Result<UniqueFd> bound_socket(const sockaddr_in& address) {
  UniqueFd fd{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return fail(Error::from_errno("bind", errno));
  }
  return fd;
}

}  // namespace

Status Listener::bind(const std::string& address) {
  auto wanted = parse_address(address);
  if (!wanted) return fail(std::move(wanted).error());
  auto fd = bound_socket(*wanted);
  if (!fd) return fail(std::move(fd).error().in(address));
  socklen_t size = sizeof *wanted;
  ::getsockname(fd->get(), reinterpret_cast<sockaddr*>(&*wanted), &size);
  std::array<char, INET_ADDRSTRLEN> host{};
  ::inet_ntop(AF_INET, &wanted->sin_addr, host.data(), host.size());
  address_ = fmt::format("{}:{}", host.data(), ntohs(wanted->sin_port));
  reserved_ = std::move(*fd);
  return open();
}

Status Listener::open() {
  if (listening_) return {};
  const auto address = parse_address(address_);
  if (!address) return fail(address.error());
  auto fd = bound_socket(*address);
  if (!fd) return fail(std::move(fd).error().in(address_));
  if (::listen(fd->get(), SOMAXCONN) != 0) return fail(Error::from_errno("listen", errno));
  listening_ = std::move(*fd);
  watcher_ = std::make_unique<loop::FdWatcher>(loop_, listening_.get(),
                                               [this](loop::FdEvents) { accept_all(); });
  watcher_->watch(true, false);
  return {};
}

void Listener::close() {
  watcher_.reset();
  listening_.reset();
}

void Listener::accept_all() {
  while (listening_) {
    UniqueFd fd{::accept4(listening_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!fd) return;
    const int on = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    on_accept_(std::move(fd));
  }
}

}  // namespace ace::sim
