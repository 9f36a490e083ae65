#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "tests/support/process/child_process.h"

namespace ace::test {

/// The built proxy on loopback ports that the system chose, ready to be asked.
class ProxyProcess {
 public:
  using Environment = std::map<std::string, std::string>;

  /// Returns when all workers serve. `environment` overrides the defaults (PROXY_LISTEN and
  /// PROXY_PORT_FILE are set here). Throws with the log when it is not ready within `timeout`.
  explicit ProxyProcess(const Environment& environment,
                        std::chrono::milliseconds timeout = std::chrono::seconds{60});

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// The supervisor; its pid is the group of all its workers.
  [[nodiscard]] ChildProcess& process() { return *process_; }

 private:
  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  std::uint16_t port_{};
};

/// Ports of the `host:port` lines that a program wrote atomically once it listened; throws with
/// its log when it ended or `timeout` passed before.
[[nodiscard]] std::vector<std::uint16_t> wait_for_ports(ChildProcess& process,
                                                        const std::string& path,
                                                        std::chrono::milliseconds timeout);

}  // namespace ace::test
