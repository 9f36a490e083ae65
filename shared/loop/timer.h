#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "shared/loop/loop.h"

namespace ace::loop {

/// Fires after a time, once or again and again. Destroying it stops it. The callback may restart or
/// destroy the timer. Arming an armed timer replaces what was armed.
class Timer {
 public:
  virtual ~Timer() = default;
  virtual void once(std::chrono::milliseconds delay, std::function<void()> callback) = 0;
  virtual void every(std::chrono::milliseconds period, std::function<void()> callback) = 0;
  virtual void stop() = 0;
  [[nodiscard]] virtual bool is_armed() const = 0;
};

/// Makes timers; tests hand out ones that fire when told.
class TimerFactory {
 public:
  virtual ~TimerFactory() = default;
  [[nodiscard]] virtual std::unique_ptr<Timer> make() = 0;
};

class UvTimerFactory final : public TimerFactory {
 public:
  explicit UvTimerFactory(Loop& loop) : loop_{loop} {}
  [[nodiscard]] std::unique_ptr<Timer> make() override;

 private:
  Loop& loop_;
};

}  // namespace ace::loop
