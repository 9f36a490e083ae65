#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/base/clock.h"

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
/// Nothing: another binary's word.
[[nodiscard]] std::optional<StallCause> parse_stall_cause(std::string_view word);

/// A picture that stood still.
struct Stall {
  StallCause cause{};
  std::chrono::milliseconds lasted{};
  WallTime since{};
  bool is_over{};

  [[nodiscard]] WallTime until() const { return since + lasted; }
};

}  // namespace ace::streams
