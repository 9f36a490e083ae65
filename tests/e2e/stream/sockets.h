#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/unique_fd.h"

namespace ace::test {

/// A port of 127.0.0.1 that refuses connections: taken, so that nobody else gets it, but not
/// listening.
class RefusingPort {
 public:
  RefusingPort();
  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + port(); }

 private:
  UniqueFd fd_;
  std::uint16_t port_{};
};

/// A port of 127.0.0.1 that lets everybody in and out again, and counts them.
class RevolvingPort {
 public:
  RevolvingPort();
  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  /// Lets out who has come; to be called often. @returns how many there were so far.
  std::size_t turn();

 private:
  UniqueFd fd_;
  std::uint16_t port_{};
  std::size_t guests_{};
};

/// A port of 127.0.0.1 that answers nothing: it listens, nobody accepts, and its queue is full, so
/// that the kernel drops what comes. What a firewall does to an address.
class SilentPort {
 public:
  SilentPort();
  [[nodiscard]] std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  UniqueFd fd_;
  std::uint16_t port_{};
  std::vector<UniqueFd> queue_;
};

}  // namespace ace::test
