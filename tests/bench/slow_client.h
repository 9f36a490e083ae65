#pragma once

#include <chrono>
#include <cstddef>

#include "tests/bench/raw_send.h"

namespace ace::bench {

/// How old packets were when they came to viewers that keep up.
struct PacketAges {
  std::chrono::milliseconds median{};
  std::chrono::milliseconds p99{};
};

enum class Company {
  None,
  SlowClient,  ///< one viewer of the same stream that reads a tenth of its rate
};

/// Runs the proxy with `load.clients` viewers of one stream, all of them measured.
[[nodiscard]] PacketAges measure_ages(const Load& load, int workers, Company company);

}  // namespace ace::bench
