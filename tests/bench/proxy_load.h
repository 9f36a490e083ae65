#pragma once

#include <chrono>
#include <string>

#include "tests/bench/cpu_time.h"
#include "tests/bench/raw_send.h"

namespace ace::bench {

struct ProxyCost {
  Cost total;              ///< supervisor, workers and Redis together
  CpuSeconds redis_cpu{};  ///< Redis' part of it
  std::size_t served{};    ///< clients that got bytes while measured
};

/// Starts Redis, one simulated engine and the built proxy, opens `load.clients` viewers of one
/// stream that discard what they get, and measures once all of them are served. What the simulator
/// and the viewers use is not counted. Throws when a program is missing or a client is not served.
[[nodiscard]] ProxyCost measure_proxy(const Load& load, int workers);

}  // namespace ace::bench
