#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace ace::stress {

/// A long run of everything that goes wrong in a life, side by side.
struct Soak {
  std::chrono::minutes duration{5};
  unsigned streams{20};
  std::size_t staying{60};
  std::size_t zapping{20};
  unsigned workers{4};
  std::size_t engines{5};
  std::uint64_t bitrate{500'000};
  std::chrono::seconds between_kills{20};
  unsigned seed{};
};

/// Viewers stay and zap, engines fail, workers are killed (but for one, whose memory is watched).
/// At the end memory must not have grown, and nothing may be left: no key, no session, no
/// descriptor.
/// @returns how many violations it printed.
[[nodiscard]] std::size_t soak(const Soak& plan);

}  // namespace ace::stress
