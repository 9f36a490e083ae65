#pragma once

#include <memory>
#include <string>
#include <vector>

#include "coordinator/host/host_memory.h"
#include "coordinator/supervisor/inheritance.h"
#include "coordinator/supervisor/listen_socket.h"
#include "shared/config/config.h"

namespace ace::supervisor {

/// What has to be there before the first worker.
struct Ground {
  std::vector<ListenSocket> sockets;
  std::unique_ptr<host::HostMemory> memory;

  [[nodiscard]] std::vector<int> descriptors() const;
  /// Of the sockets that are not systemd's.
  [[nodiscard]] std::vector<int> own_descriptors() const;
  [[nodiscard]] std::vector<std::string> addresses() const;
};

/// Fails, too, when this process may have fewer descriptors than the service needs to begin with;
/// says how many, and for what.
[[nodiscard]] Result<Ground> prepare_ground(const config::Config& config);
/// Takes the inheritance's descriptors over, but for those of the workers.
[[nodiscard]] Result<Ground> take_over_ground(const Inheritance& inheritance);
/// Whether the above could be done. For a process that ends with the answer: it closes the
/// descriptors, and leaves the sockets' files.
[[nodiscard]] Status check_ground(const Inheritance& inheritance);

/// PROXY_LISTEN as it would be written.
[[nodiscard]] std::string listen_text(const config::Config& config);
/// Settings of the ground hold as long as the service does: gives a fresh config those that the
/// sockets were bound under, and says so where they differ.
void keep_ground_settings(config::Config& fresh, const std::string& listen,
                          const std::string& port_file);

}  // namespace ace::supervisor
