#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "shared/base/unique_fd.h"
#include "tests/support/process/child_process.h"

namespace ace::stress {

/// nginx on a port of 127.0.0.1 that nobody else has, with as many processes as the proxy has
/// workers: what the same machine, under the same load, can do with a file of the same size.
class FileServer {
 public:
  /// Throws with its log when it does not serve.
  explicit FileServer(unsigned workers);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// @returns the target of a new file of `size` bytes.
  [[nodiscard]] std::string add_file(const std::string& name, std::size_t size) const;

 private:
  test::TempDir dir_;
  UniqueFd reserved_;  ///< holds the port; nginx listens on it beside
  std::uint16_t port_{};
  std::unique_ptr<test::ChildProcess> process_;
};

}  // namespace ace::stress
