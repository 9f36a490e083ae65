#include "shared/loop/timer.h"

#include <algorithm>
#include <utility>

#include "shared/base/check.h"

namespace ace::loop {
namespace {

class UvTimer final : public Timer {
 public:
  explicit UvTimer(Loop& loop) {
    auto handle = std::make_unique<uv_timer_t>();
    uv_timer_init(loop.raw(), handle.get());
    handle->data = this;
    handle_.reset(handle.release());
  }
  UvTimer(const UvTimer&) = delete;
  UvTimer& operator=(const UvTimer&) = delete;

  void once(std::chrono::milliseconds delay, std::function<void()> callback) override {
    arm(delay, std::chrono::milliseconds{0}, std::move(callback));
  }
  void every(std::chrono::milliseconds period, std::function<void()> callback) override {
    arm(period, std::max(period, std::chrono::milliseconds{1}), std::move(callback));
  }
  void stop() override { uv_timer_stop(handle_.get()); }
  [[nodiscard]] bool is_armed() const override {
    return uv_is_active(reinterpret_cast<const uv_handle_t*>(handle_.get())) != 0;
  }

 private:
  void arm(std::chrono::milliseconds delay, std::chrono::milliseconds period,
           std::function<void()> callback) {
    callback_ = std::move(callback);
    // The loop's idea of now is as old as this turn: a long turn must not shorten the delay.
    uv_update_time(handle_->loop);
    const auto ms = [](std::chrono::milliseconds d) {
      return static_cast<std::uint64_t>(std::max<std::int64_t>(0, d.count()));
    };
    const int started = uv_timer_start(
        handle_.get(), [](uv_timer_t* timer) { static_cast<UvTimer*>(timer->data)->fire(); },
        ms(delay), ms(period));
    ACE_CHECK(started == 0, "an open timer can be started");
  }
  void fire() {
    const auto callback = callback_;  // a copy: it may destroy this timer
    callback();
  }

  UvPtr<uv_timer_t> handle_;
  std::function<void()> callback_;
};

}  // namespace

std::unique_ptr<Timer> UvTimerFactory::make() { return std::make_unique<UvTimer>(loop_); }

}  // namespace ace::loop
