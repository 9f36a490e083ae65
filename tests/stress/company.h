#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ace::stress {

/// Viewers, and wrk beside them.
struct Company {
  unsigned workers{2};
  std::size_t viewers{100};
  unsigned streams{5};
  std::uint64_t bitrate{1'000'000};
  int connections{16};
  std::chrono::seconds each{5};
  int pairs{3};
};

/// Prints requests a second and latencies of each page, their ratio to nginx with a file of that
/// size, and the age of the viewers' packets without and with that load. @returns how many
/// violations it printed: a viewer that lost a packet or its connection, an answer that failed.
[[nodiscard]] std::size_t load_api(const Company& company);

/// wrk itself plays: `connections` endless answers, all streams, beside the viewers.
[[nodiscard]] std::size_t load_streams(const Company& company);

}  // namespace ace::stress
