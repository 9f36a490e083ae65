#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/config/address.h"

namespace ace::supervisor {

/// A bound, listening, non-blocking socket. A unix socket's file is taken away with it, if it is
/// still the one that was made here; in a child the object is never destroyed.
class ListenSocket {
 public:
  /// The error names the address. Deep backlog: a whole hall of players reconnects at once.
  /// A port of every address is two sockets, unless this machine has no IPv6.
  [[nodiscard]] static Result<std::vector<ListenSocket>> bind(const config::ListenAddress& address);
  /// One that is listening already (socket activation); its file is not ours.
  [[nodiscard]] static ListenSocket adopt(UniqueFd fd);

  /// What has to be known to go on with a socket: its descriptor, and the file that is ours.
  struct Record {
    int fd{-1};
    bool is_ours{};          ///< bound here, not handed over by systemd
    std::string owned_path;  ///< empty: no file to take away
    dev_t device{};
    ino_t inode{};
    bool operator==(const Record&) const = default;
  };
  [[nodiscard]] Record record() const { return {fd(), is_ours_, owned_path_, device_, inode_}; }
  [[nodiscard]] static ListenSocket restore(Record record);

  ~ListenSocket();
  ListenSocket(ListenSocket&& other) noexcept;
  ListenSocket& operator=(ListenSocket&&) = delete;
  ListenSocket(const ListenSocket&) = delete;
  ListenSocket& operator=(const ListenSocket&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// One that systemd holds lives on without us: who connects waits for the next service.
  [[nodiscard]] bool is_ours() const { return is_ours_; }
  /// Where it really listens, the kernel's choice of port filled in.
  [[nodiscard]] std::string address() const;

 private:
  explicit ListenSocket(UniqueFd fd) : fd_{std::move(fd)} {}
  [[nodiscard]] static Result<std::vector<ListenSocket>> bind_every(std::uint16_t port);
  [[nodiscard]] static Result<ListenSocket> bind_tcp(const config::ListenAddress& address);
  [[nodiscard]] static Result<ListenSocket> bind_unix(const std::string& path);
  [[nodiscard]] std::uint16_t port() const;  ///< of an IPv4 socket

  UniqueFd fd_;
  bool is_ours_{};
  std::string owned_path_;  ///< empty: no file to take away
  dev_t device_{};
  ino_t inode_{};
};

/// From now on connects are refused, and another process may bind the address, however many
/// processes hold the socket: closing it would take the last of them, and one may be busy with
/// viewers.
void refuse_connections(int listen_fd);

/// systemd's sockets if it handed any over, else every address bound; all or nothing.
[[nodiscard]] Result<std::vector<ListenSocket>> open_listen_sockets(
    const std::vector<config::ListenAddress>& addresses);

}  // namespace ace::supervisor
