#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/unique_fd.h"
#include "tests/support/process/http_reply.h"

namespace ace::test {

struct HttpReply {
  int status{};  ///< 0: there was no reply at all
  Headers headers;
  std::string body;
  bool is_complete{};  ///< the body ended as its framing says
  std::string error;   ///< why it is not complete
};

using HeaderList = std::vector<std::pair<std::string, std::string>>;

struct HttpLimits {
  std::chrono::milliseconds timeout{5000};
  /// Stop reading after so much body: for replies that never end.
  std::size_t max_body{16U << 20U};
};

/// A blocking connection to 127.0.0.1; empty when refused.
[[nodiscard]] UniqueFd connect_loopback(std::uint16_t port);

/// One request on a connection of its own. Host and `Connection: close` are added unless given.
[[nodiscard]] HttpReply http_request(std::uint16_t port, std::string_view method,
                                     std::string_view target, const HeaderList& headers = {},
                                     const HttpLimits& limits = {});

/// The same to a unix socket.
[[nodiscard]] UniqueFd connect_unix(const std::string& path);

struct RawReply {
  std::string bytes;
  bool is_closed{};  ///< by the peer, in order or by a reset
};
/// Whether the peer is told that no more is to come.
enum class AfterSending { StayOpen, End };
/// Sends `bytes` as they are and takes all that comes back until the peer closes or `timeout`.
[[nodiscard]] RawReply exchange(const UniqueFd& connection, std::string_view bytes,
                                std::chrono::milliseconds timeout,
                                AfterSending after = AfterSending::StayOpen);
/// The same on a connection of its own, its reply's bytes alone.
[[nodiscard]] std::string raw_exchange(std::uint16_t port, std::string_view bytes,
                                       std::chrono::milliseconds timeout);

}  // namespace ace::test
