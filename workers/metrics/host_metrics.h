#pragma once

#include <string>
#include <vector>

#include "coordinator/host/ownership_table.h"
#include "coordinator/host/scoreboard.h"

namespace ace::metrics {

/// The page of `/metrics`: what all workers of this host have written on the scoreboard, added up.
/// Counters include workers that are gone, and never go back while the supervisor lives. A label
/// `worker` is the slot, which is used again by the next worker.
[[nodiscard]] std::string host_metrics(const host::Scoreboard& board,
                                       const std::vector<host::StreamView>& streams);

}  // namespace ace::metrics
