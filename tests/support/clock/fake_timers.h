#pragma once

#include <chrono>
#include <cstddef>
#include <memory>

#include "shared/loop/timer.h"
#include "tests/support/clock/manual_clock.h"

namespace ace::test {

/// Timers that fire when a test lets time pass: in order of their time, those of one time in the
/// order they were armed, as libuv's do.
class FakeTimers final : public loop::TimerFactory {
 public:
  /// `clock` must outlive the factory; the timers may outlive both.
  explicit FakeTimers(ManualClock& clock);
  ~FakeTimers() override;

  [[nodiscard]] std::unique_ptr<loop::Timer> make() override;

  /// Moves the clock forward by `time`, stopping at each timer that is due on the way. A timer that
  /// is armed by a callback fires too if its time lies within. One of 0 ms fires even if `time` is
  /// 0.
  void advance(std::chrono::milliseconds time);
  [[nodiscard]] std::size_t armed() const;

 private:
  struct Schedule;
  class FakeTimer;

  ManualClock& clock_;
  std::shared_ptr<Schedule> schedule_;
};

}  // namespace ace::test
