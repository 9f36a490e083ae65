#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>

namespace ace::streams {

/// Why nothing comes.
enum class StallCause : std::uint8_t {
  EngineSilent,   ///< it has peers, and says nothing
  EngineStarved,  ///< nobody sends it anything
  EngineLost,     ///< no session: one is being looked for
  RedisSlow,      ///< it takes, or gives, chunks more slowly than they come
  RedisAway,
  OwnerSilent,  ///< another worker's stall, which that one names
  WorkerBusy,   ///< our own loop stood still
  ClientSlow,   ///< of one client: it takes its bytes more slowly than they come
};
inline constexpr std::size_t kStallCauses = 8;

/// "engine_starved"
[[nodiscard]] std::string_view to_string(StallCause cause);

/// A picture that stood still.
struct Stall {
  StallCause cause{};
  std::chrono::milliseconds lasted{};
  double since{};  ///< unix seconds
  bool is_over{};
};

}  // namespace ace::streams
