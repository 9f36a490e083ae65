#include "tests/support/clock/fake_timers.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

namespace ace::test {

/// What is armed, in the order in which it fires.
struct FakeTimers::Schedule {
  using Key = std::pair<SteadyTime, std::uint64_t>;  // the number keeps the order of arming
  struct Entry {
    const FakeTimer* timer{};
    std::optional<std::chrono::milliseconds> period;
    std::function<void()> callback;
  };

  const ManualClock* clock{};
  std::map<Key, Entry> entries;
  std::uint64_t armed_so_far{};

  void arm(std::chrono::milliseconds delay, Entry entry) {
    entries.emplace(Key{clock->now() + delay, ++armed_so_far}, std::move(entry));
  }
  void forget(const FakeTimer* timer) {
    std::erase_if(entries, [timer](const auto& item) { return item.second.timer == timer; });
  }
};

class FakeTimers::FakeTimer final : public loop::Timer {
 public:
  explicit FakeTimer(std::shared_ptr<Schedule> schedule) : schedule_{std::move(schedule)} {}
  ~FakeTimer() override { schedule_->forget(this); }
  FakeTimer(const FakeTimer&) = delete;
  FakeTimer& operator=(const FakeTimer&) = delete;

  void once(std::chrono::milliseconds delay, std::function<void()> callback) override {
    schedule_->forget(this);
    schedule_->arm(delay, {this, std::nullopt, std::move(callback)});
  }
  void every(std::chrono::milliseconds period, std::function<void()> callback) override {
    schedule_->forget(this);
    schedule_->arm(period, {this, period, std::move(callback)});
  }
  void stop() override { schedule_->forget(this); }
  [[nodiscard]] bool is_armed() const override {
    return std::any_of(schedule_->entries.begin(), schedule_->entries.end(),
                       [this](const auto& item) { return item.second.timer == this; });
  }

 private:
  std::shared_ptr<Schedule> schedule_;
};

FakeTimers::FakeTimers(ManualClock& clock)
    : clock_{clock}, schedule_{std::make_shared<Schedule>()} {
  schedule_->clock = &clock;
}
FakeTimers::~FakeTimers() = default;

std::unique_ptr<loop::Timer> FakeTimers::make() { return std::make_unique<FakeTimer>(schedule_); }

void FakeTimers::advance(std::chrono::milliseconds time) {
  const auto end = clock_.now() + time;
  auto& entries = schedule_->entries;
  while (!entries.empty() && entries.begin()->first.first <= end) {
    const auto due = entries.begin()->first.first;
    if (due > clock_.now()) clock_.advance(due - clock_.now());
    auto node = entries.extract(entries.begin());
    auto callback = node.mapped().callback;  // the timer may be destroyed by what it calls
    // A period of zero would never let time pass.
    if (const auto period = node.mapped().period) {
      schedule_->arm(std::max(*period, std::chrono::milliseconds{1}), std::move(node.mapped()));
    }
    callback();
  }
  if (end > clock_.now()) clock_.advance(end - clock_.now());
}

std::size_t FakeTimers::armed() const { return schedule_->entries.size(); }

}  // namespace ace::test
