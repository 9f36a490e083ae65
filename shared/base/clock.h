#pragma once

#include <chrono>

namespace ace {

/// Steady time for intervals. It counts suspension too (CLOCK_BOOTTIME): a lease that ran out while
/// the machine slept has run out. All processes of a host read the same clock.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;
using WallTime = std::chrono::time_point<std::chrono::system_clock, std::chrono::nanoseconds>;

/// Where logic asks for the time, so that tests can own it.
class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SteadyTime now() const = 0;
  /// Only for what people or Redis read; it may jump.
  [[nodiscard]] virtual WallTime wall_now() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime now() const override;
  [[nodiscard]] WallTime wall_now() const override;
};

/// Unix seconds with millisecond precision, as text ("1763800000.123"): how times stand in Redis.
[[nodiscard]] double unix_seconds(WallTime time);

}  // namespace ace
