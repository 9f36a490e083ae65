#pragma once

#include "shared/base/clock.h"

namespace ace::test {

/// Time that passes only when a test says so. Both clocks begin away from zero, so that "never" and
/// "at the beginning" stay two things.
class ManualClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override { return wall_; }

  void advance(std::chrono::nanoseconds time) {
    now_ += time;
    wall_ += time;
  }
  /// Someone sets the host's clock; intervals go on undisturbed.
  void jump_wall(std::chrono::nanoseconds by) { wall_ += by; }

 private:
  SteadyTime now_{std::chrono::hours{1}};
  WallTime wall_{std::chrono::seconds{1'800'000'000}};
};

}  // namespace ace::test
