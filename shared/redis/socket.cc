#include "shared/redis/socket.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <uv.h>

#include <cerrno>
#include <cstring>

namespace ace::redis {
namespace {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size{};
};

/// Enough for one chunk: with the kernel's default for unix sockets a 320 KiB value takes two
/// writes and a wake-up between them.
constexpr int kUnixSendBuffer = 512 * 1024;

Result<SocketAddress> socket_address(const Address& address) {
  SocketAddress result;
  if (!address.path.empty()) {
    auto* const unix_address = reinterpret_cast<sockaddr_un*>(&result.storage);
    if (address.path.size() >= sizeof unix_address->sun_path) {
      return fail(Errc::InvalidArgument, fmt::format("{}: the path is too long", address.path));
    }
    unix_address->sun_family = AF_UNIX;
    std::memcpy(unix_address->sun_path, address.path.c_str(), address.path.size() + 1);
    result.size = sizeof(sockaddr_un);
    return result;
  }
  auto* const v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
  if (uv_ip4_addr(address.ip.c_str(), address.port, v4) == 0) {
    result.size = sizeof(sockaddr_in);
    return result;
  }
  auto* const v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
  if (uv_ip6_addr(address.ip.c_str(), address.port, v6) == 0) {
    result.size = sizeof(sockaddr_in6);
    return result;
  }
  return fail(Errc::InvalidArgument, fmt::format("{} is not an address", address.ip));
}

Error connect_error(int error_number) {
  return {Errc::Unavailable, Error::from_errno("connect", error_number).text};
}

}  // namespace

Result<UniqueFd> begin_connect(const Address& address) {
  const auto where = socket_address(address);
  if (!where) return fail(where.error());
  const int family = where->storage.ss_family;
  UniqueFd fd{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
  if (!fd) return fail(Error::from_errno("socket", errno));
  prepare_socket(fd.get(), family != AF_UNIX);
  if (family == AF_UNIX) {
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUF, &kUnixSendBuffer, sizeof kUnixSendBuffer);
  }
  const auto* const raw = reinterpret_cast<const sockaddr*>(&where->storage);
  if (::connect(fd.get(), raw, where->size) != 0 && errno != EINPROGRESS) {
    return fail(connect_error(errno));
  }
  return fd;
}

Status connect_outcome(int fd) {
  int error_number{};
  socklen_t size = sizeof error_number;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error_number, &size) != 0) error_number = errno;
  if (error_number != 0) return fail(connect_error(error_number));
  return {};
}

void prepare_socket(int fd, bool is_tcp) {
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  const int on = 1;
  if (is_tcp) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

}  // namespace ace::redis
