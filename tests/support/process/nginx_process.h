#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "tests/support/process/child_process.h"

namespace ace::test {

/// A private nginx on a unix socket, one process, its own configuration: it answers 200 to every
/// request that it takes, and closes after each. What others trust to tell a request from junk.
class NginxProcess {
 public:
  /// Throws with its log when it does not serve.
  NginxProcess();

  /// Whether a client that sends this, and then ends, gets an error or nothing at all.
  [[nodiscard]] bool refuses(std::string_view bytes) const;

 private:
  [[nodiscard]] std::string socket() const { return dir_.file("nginx.sock"); }

  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
};

}  // namespace ace::test
