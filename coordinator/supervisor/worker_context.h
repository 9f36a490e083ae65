#pragma once

#include <functional>
#include <vector>

#include "coordinator/host/host_memory.h"
#include "coordinator/host/scoreboard.h"
#include "shared/base/unique_fd.h"
#include "shared/config/config.h"

namespace ace::supervisor {

/// A worker's exit code: another living process has its id.
inline constexpr int kExitIdTaken = 3;

/// All that a worker process inherits. `host` outlives the worker; the descriptors are its own.
struct WorkerContext {
  const config::Config* config{};
  host::HostMemory* host{};
  host::WorkerRef self;
  /// Bound, listening, non-blocking, close-on-exec; shared by all workers.
  std::vector<int> listen_fds;
  /// Those of them that are not systemd's: when the whole service ends, connects are refused there
  /// at once (refuse_connections()).
  std::vector<int> own_listen_fds;
  /// This worker's end of the control channel (see control_channel.h): it says ready here; a byte
  /// from the supervisor tells it to drain or that a worker died; end of file means that the
  /// supervisor is gone and the worker stops gracefully.
  UniqueFd control;
};

/// Runs one worker to its end; the return value is the process's exit code.
using WorkerMain = std::function<int(WorkerContext)>;

}  // namespace ace::supervisor
