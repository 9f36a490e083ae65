#pragma once

#include "coordinator/supervisor/worker_context.h"

namespace ace {

/// The whole program but for what a worker does: command line, settings, supervisor.
/// @returns the exit code: 2 for a wrong command line or setting (nothing was started).
[[nodiscard]] int run_program(int argc, const char* const* argv,
                              const supervisor::WorkerMain& worker_main);

}  // namespace ace
