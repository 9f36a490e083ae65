#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "tests/e2e/supervisor/program.h"

namespace ace::test {

/// A running service with `workers` workers (0: as the settings say), ready.
struct Running {
  TempFolder folder;
  NotifySocket systemd{folder.path("notify")};
  std::string port_file{folder.path("ports")};
  Program program;

  /// @param path of the program; empty: where the build has put it
  explicit Running(unsigned workers, std::vector<std::string> more = {},
                   std::map<std::string, std::string> environment = {}, std::string path = {});

  /// Where it listens; the first one.
  [[nodiscard]] std::string address() const;
  [[nodiscard]] bool has_workers(std::size_t count) const;

 private:
  Program::Setup setup(unsigned workers, std::vector<std::string> more,
                       std::map<std::string, std::string> environment, std::string path);
};

}  // namespace ace::test
