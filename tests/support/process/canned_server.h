#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "shared/base/unique_fd.h"

namespace ace::test {

/// An HTTP server on 127.0.0.1, on a thread of its own, that answers every request with the same
/// bytes, changed while it runs. For what the proxy asks of others than engines.
class CannedServer {
 public:
  CannedServer();
  ~CannedServer();
  CannedServer(const CannedServer&) = delete;
  CannedServer& operator=(const CannedServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// A complete answer; `headers` end with line ends.
  void answer(int status, std::string_view body, std::string_view headers = "");
  /// Requests are read, and nothing is said.
  void say_nothing();
  /// Requests that came.
  [[nodiscard]] std::size_t asked() const { return asked_; }

 private:
  void serve();
  void take(UniqueFd connection);

  UniqueFd listener_;
  UniqueFd end_;  ///< readable when it is to end
  std::uint16_t port_{};
  std::atomic<std::size_t> asked_{};
  std::mutex mutex_;
  std::string answer_;          ///< empty: nothing is said
  std::vector<UniqueFd> held_;  ///< who got no answer; the thread's own
  std::thread thread_;
};

}  // namespace ace::test
