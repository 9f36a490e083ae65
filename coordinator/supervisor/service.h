#pragma once

#include <functional>
#include <string>
#include <vector>

#include "coordinator/supervisor/worker_context.h"
#include "shared/base/result.h"
#include "shared/config/config.h"

namespace ace::supervisor {

struct Service {
  std::vector<std::string> arguments;  ///< of the program, its name included
  config::Config config;
  /// Reads the config again; fails with the reason why the new one is refused.
  std::function<Result<config::Config>()> reload;
  WorkerMain worker_main;
};

/// Binds, forks the workers and minds them until the service ends. In a process that was a
/// supervisor before (SIGUSR2) it takes over sockets, memory and workers instead. @returns the exit
/// code: 0 when everybody left in time, 1 when it could not start, or somebody had to be killed. In
/// a child it never returns.
[[nodiscard]] int run(Service service);

/// For debuggers: one worker in this very process, nobody to watch it.
[[nodiscard]] int run_single_process(const Service& service);

}  // namespace ace::supervisor
