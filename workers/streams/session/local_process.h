#pragma once

#include "coordinator/host/scoreboard.h"
#include "proto/ids.h"

namespace ace::streams {

/// Whether `worker` (`{hostname}:{pid}`) is of this host, by the name that `self` has for it, and
/// no such process is left: its lease need not be waited for.
[[nodiscard]] bool is_dead_process_here(const proto::WorkerId& worker, const proto::WorkerId& self);
/// Whether it is one of this host's workers that live.
[[nodiscard]] bool is_worker_here(const proto::WorkerId& worker, const proto::WorkerId& self,
                                  const host::Scoreboard& board);

}  // namespace ace::streams
