#include "coordinator/supervisor/listen_socket.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <memory>

#include "shared/log/log.h"
#include "shared/os/systemd.h"

namespace ace::supervisor {
namespace {

constexpr int kBacklog = 4096;
/// For a port of the kernel's choice that is to be free in both families.
constexpr int kPortTries = 10;
constexpr int kKind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;

using AddressList = std::unique_ptr<addrinfo, decltype(&freeaddrinfo)>;

Result<AddressList> resolve(const config::ListenAddress& address) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE;
  addrinfo* found = nullptr;
  const auto port = std::to_string(address.port);
  const int failed = getaddrinfo(address.host.c_str(), port.c_str(), &hints, &found);
  if (failed != 0) {
    return fail(Errc::InvalidArgument,
                fmt::format("listen on {}: {}", address.text(), gai_strerror(failed)));
  }
  return AddressList{found, &freeaddrinfo};
}

sockaddr_un unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

const sockaddr* as_sockaddr(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

/// A file that nobody listens on is left over from a crash; one that answers belongs to somebody.
Status remove_stale_socket(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return {};
  if (!S_ISSOCK(info.st_mode))
    return fail(Errc::InvalidArgument, "the file at this path is not a socket");
  const UniqueFd probe{socket(AF_UNIX, kKind, 0)};
  const auto address = unix_address(path);
  if (connect(probe.get(), as_sockaddr(address), sizeof address) == 0 || errno == EAGAIN) {
    return fail(Errc::Busy, "another process listens there");
  }
  if (unlink(path.c_str()) != 0) return fail(Error::from_errno("unlink", errno));
  return {};
}

/// Whether a socket can be bound to all IPv6 addresses: the kernel, a container or a unit's
/// RestrictAddressFamilies= may be without them.
bool has_ipv6() {
  const UniqueFd probe{socket(AF_INET6, kKind, 0)};
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  return probe && ::bind(probe.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any) == 0;
}

std::string unix_text(const sockaddr_storage& name, socklen_t length) {
  sockaddr_un address{};
  std::memcpy(&address, &name, std::min<std::size_t>(length, sizeof address));
  return fmt::format("unix:{}", address.sun_path);
}

}  // namespace

Result<std::vector<ListenSocket>> ListenSocket::bind(const config::ListenAddress& address) {
  const auto bind_one = [&address]() -> Result<std::vector<ListenSocket>> {
    auto one = address.unix_path.empty() ? bind_tcp(address) : bind_unix(address.unix_path);
    if (!one) return fail(std::move(one).error());
    std::vector<ListenSocket> sockets;
    sockets.push_back(std::move(*one));
    return sockets;
  };
  auto made = address.is_every() ? bind_every(address.port) : bind_one();
  if (!made) return fail(std::move(made).error().in("listen on " + address.text()));
  return made;
}

Result<std::vector<ListenSocket>> ListenSocket::bind_every(std::uint16_t port) {
  for (int left = kPortTries; true; --left) {
    std::vector<ListenSocket> sockets;
    auto v4 = bind_tcp({.host = "0.0.0.0", .port = port, .unix_path = {}});
    if (!v4) return fail(std::move(v4).error());
    const auto bound = v4->port();
    sockets.push_back(std::move(*v4));
    if (!has_ipv6()) return sockets;
    auto v6 = bind_tcp({.host = "::", .port = bound, .unix_path = {}});
    if (v6) {
      sockets.push_back(std::move(*v6));
      return sockets;
    }
    // The kernel chose a port that is taken in the other family.
    if (port != 0 || left == 0) return fail(std::move(v6).error().in("with IPv6"));
  }
}

Result<ListenSocket> ListenSocket::bind_tcp(const config::ListenAddress& address) {
  const auto list = resolve(address);
  if (!list) return fail(list.error());
  const addrinfo& info = **list;
  ListenSocket made{UniqueFd{socket(info.ai_family, kKind, 0)}};
  made.is_ours_ = true;
  if (made.fd() < 0) return fail(Error::from_errno("socket", errno));
  const int on = 1;
  setsockopt(made.fd(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (info.ai_family == AF_INET6) {
    // So that 0.0.0.0:8000 and [::]:8000 can stand beside one another.
    setsockopt(made.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (::bind(made.fd(), info.ai_addr, info.ai_addrlen) != 0) {
    return fail(Error::from_errno("bind", errno));
  }
  if (listen(made.fd(), kBacklog) != 0) return fail(Error::from_errno("listen", errno));
  return made;
}

Result<ListenSocket> ListenSocket::bind_unix(const std::string& path) {
  if (auto free = remove_stale_socket(path); !free) return fail(std::move(free).error());
  ListenSocket made{UniqueFd{socket(AF_UNIX, kKind, 0)}};
  if (made.fd() < 0) return fail(Error::from_errno("socket", errno));
  const auto address = unix_address(path);
  if (::bind(made.fd(), as_sockaddr(address), sizeof address) != 0) {
    return fail(Error::from_errno("bind", errno));
  }
  // Whoever reaches the folder may connect, as anybody may connect to a port.
  struct stat info {};
  if (chmod(path.c_str(), 0666) != 0 || stat(path.c_str(), &info) != 0) {
    return fail(Error::from_errno("chmod", errno));
  }
  made.is_ours_ = true;
  made.owned_path_ = path;
  made.device_ = info.st_dev;
  made.inode_ = info.st_ino;
  if (listen(made.fd(), kBacklog) != 0) return fail(Error::from_errno("listen", errno));
  return made;
}

ListenSocket ListenSocket::adopt(UniqueFd fd) { return ListenSocket{std::move(fd)}; }

ListenSocket ListenSocket::restore(Record record) {
  ListenSocket made{UniqueFd{record.fd}};
  made.is_ours_ = record.is_ours;
  made.owned_path_ = std::move(record.owned_path);
  made.device_ = record.device;
  made.inode_ = record.inode;
  return made;
}

ListenSocket::ListenSocket(ListenSocket&& other) noexcept
    : fd_{std::move(other.fd_)},
      is_ours_{other.is_ours_},
      owned_path_{std::exchange(other.owned_path_, {})},
      device_{other.device_},
      inode_{other.inode_} {}

ListenSocket::~ListenSocket() {
  struct stat info {};
  if (owned_path_.empty() || lstat(owned_path_.c_str(), &info) != 0) return;
  if (info.st_dev == device_ && info.st_ino == inode_) unlink(owned_path_.c_str());
}

std::uint16_t ListenSocket::port() const {
  sockaddr_in name{};
  socklen_t length = sizeof name;
  getsockname(fd(), reinterpret_cast<sockaddr*>(&name), &length);
  return ntohs(name.sin_port);
}

std::string ListenSocket::address() const {
  sockaddr_storage name{};
  socklen_t length = sizeof name;
  auto* const generic = reinterpret_cast<sockaddr*>(&name);
  if (getsockname(fd(), generic, &length) != 0) return "unknown";
  if (name.ss_family == AF_UNIX) return unix_text(name, length);
  std::array<char, NI_MAXHOST> host{};
  std::array<char, NI_MAXSERV> port{};
  getnameinfo(generic, length, host.data(), host.size(), port.data(), port.size(),
              NI_NUMERICHOST | NI_NUMERICSERV);
  const char* const form = name.ss_family == AF_INET6 ? "[{}]:{}" : "{}:{}";
  return fmt::format(fmt::runtime(form), host.data(), port.data());
}

Result<std::vector<ListenSocket>> open_listen_sockets(
    const std::vector<config::ListenAddress>& addresses) {
  std::vector<ListenSocket> sockets;
  for (auto& fd : os::inherited_sockets()) sockets.push_back(ListenSocket::adopt(std::move(fd)));
  if (!sockets.empty()) {
    log::info("sockets_inherited", "count={}: PROXY_LISTEN is ignored", sockets.size());
    return sockets;
  }
  for (const auto& address : addresses) {
    auto bound = ListenSocket::bind(address);
    if (!bound) return fail(std::move(bound).error());
    std::ranges::move(*bound, std::back_inserter(sockets));
  }
  return sockets;
}

void refuse_connections(int listen_fd) {
  // Linux takes a listening socket out of that state for all who hold it.
  ::shutdown(listen_fd, SHUT_RDWR);
}

}  // namespace ace::supervisor
