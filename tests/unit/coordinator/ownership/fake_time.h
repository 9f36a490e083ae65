#pragma once

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "shared/base/clock.h"
#include "shared/loop/timer.h"

namespace ace::test {

class ManualClock final : public Clock {
 public:
  [[nodiscard]] SteadyTime now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override { return WallTime{now_.time_since_epoch()}; }
  void set(SteadyTime time) { now_ = time; }

 private:
  SteadyTime now_{std::chrono::hours{1}};
};

/// Timers that fire when told, in the order of their times. They must not outlive the factory.
class FakeTimers final : public loop::TimerFactory {
 public:
  explicit FakeTimers(ManualClock& clock) : clock_{clock} {}

  [[nodiscard]] std::unique_ptr<loop::Timer> make() override {
    auto timer = std::make_unique<FakeTimer>(*this);
    timers_.push_back(timer.get());
    return timer;
  }

  /// Moves the clock on, firing on the way what is due.
  void advance(std::chrono::milliseconds by) {
    const auto end = clock_.now() + by;
    while (FakeTimer* next = earliest()) {
      if (next->due() > end) break;
      clock_.set(std::max(clock_.now(), next->due()));
      next->fire();
    }
    clock_.set(end);
  }
  /// As a process does that was frozen: the time has passed, then all timers fire.
  void freeze(std::chrono::milliseconds by) {
    clock_.set(clock_.now() + by);
    advance(std::chrono::milliseconds{0});
  }
  [[nodiscard]] std::size_t armed() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(timers_, [](const FakeTimer* timer) { return timer->is_armed(); }));
  }

 private:
  class FakeTimer final : public loop::Timer {
   public:
    explicit FakeTimer(FakeTimers& factory) : factory_{factory} {}
    ~FakeTimer() override { std::erase(factory_.timers_, this); }
    FakeTimer(const FakeTimer&) = delete;
    FakeTimer& operator=(const FakeTimer&) = delete;

    void once(std::chrono::milliseconds delay, std::function<void()> callback) override {
      arm(delay, std::nullopt, std::move(callback));
    }
    void every(std::chrono::milliseconds period, std::function<void()> callback) override {
      arm(period, period, std::move(callback));
    }
    void stop() override { due_.reset(); }
    [[nodiscard]] bool is_armed() const override { return due_.has_value(); }
    [[nodiscard]] SteadyTime due() const { return *due_; }
    void fire() {
      due_ = period_ ? std::optional{*due_ + *period_} : std::nullopt;
      const auto callback = callback_;  // it may destroy this timer
      callback();
    }

   private:
    void arm(std::chrono::milliseconds delay, std::optional<std::chrono::milliseconds> period,
             std::function<void()> callback) {
      due_ = factory_.clock_.now() + delay;
      period_ = period;
      callback_ = std::move(callback);
    }
    FakeTimers& factory_;
    std::optional<SteadyTime> due_;
    std::optional<std::chrono::milliseconds> period_;
    std::function<void()> callback_;
  };

  [[nodiscard]] FakeTimer* earliest() const {
    FakeTimer* found = nullptr;
    for (FakeTimer* timer : timers_) {
      if (timer->is_armed() && (found == nullptr || timer->due() < found->due())) found = timer;
    }
    return found;
  }

  ManualClock& clock_;
  std::vector<FakeTimer*> timers_;
};

}  // namespace ace::test
