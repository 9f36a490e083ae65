#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

#include "tests/bench/cpu_time.h"

namespace ace::bench {

struct Load {
  std::size_t clients{100};
  std::uint64_t bitrate{8'000'000};  ///< of each
  std::chrono::seconds warm_up{3};
  std::chrono::seconds measured{10};
};

/// The control: what the same bytes cost when `processes` share the clients evenly and send from
/// one buffer, with send() and nothing else, in pieces of 100 KiB at the pace of the stream, to the
/// same viewers as the proxy's. Throws when the sockets cannot be had or a sender fell behind.
[[nodiscard]] Cost measure_raw_send(const Load& load, std::size_t processes);

}  // namespace ace::bench
