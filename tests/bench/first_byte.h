#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ace::bench {

/// A running stream with its viewers, and who joins them one after the other.
struct Joining {
  std::size_t viewers{50};
  std::size_t joins{500};
  std::uint64_t bitrate{8'000'000};
  unsigned workers{2};
};

/// Times from connect() to the first byte of media, sorted, by the worker that served the join.
struct FirstBytes {
  std::vector<std::chrono::nanoseconds> owner;
  std::vector<std::chrono::nanoseconds> followers;
};

/// Starts Redis, one simulated engine and the built proxy, lets the viewers watch until a whole
/// burst is there to be had, and joins. Throws when a program is missing or a client is not served.
[[nodiscard]] FirstBytes measure_first_bytes(const Joining& joining);

}  // namespace ace::bench
