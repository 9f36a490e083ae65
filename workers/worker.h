#pragma once

#include "coordinator/supervisor/worker_context.h"

namespace ace::workers {

/// One worker process from its first line to its last: builds the parts, says ready, serves until
/// it is told to stop (SIGTERM, SIGINT, or the end of the supervisor) or has drained. Returns the
/// process's exit code: 0 when everything ended in order and in time.
[[nodiscard]] int run(supervisor::WorkerContext context);

}  // namespace ace::workers
