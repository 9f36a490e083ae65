#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace ace::redis {

/// Where Redis is and how to enter. `socket` (a unix socket's path) wins over host and port. A host
/// name is resolved without blocking the loop.
struct Endpoint {
  std::string host{"127.0.0.1"};
  std::uint16_t port{6379};
  std::string socket;
  std::string username;  ///< empty: AUTH with the password alone
  std::string password;  ///< empty: no AUTH
  int db{};

  /// For logs: address and database, never the password.
  [[nodiscard]] std::string describe() const;
};

/// hiredis 0.14 and a bare socket have no deadlines of their own. Each connection gives up a
/// connect (name lookup and login included) after `connect`, and itself when the oldest unanswered
/// command is `command` old, noticed at most a tenth later. The chunk connection, whose values may
/// be large and its line slow, counts from the last bytes that came, up to five times as long.
struct Deadlines {
  std::chrono::milliseconds connect{1000};
  std::chrono::milliseconds command{2000};
};

}  // namespace ace::redis
