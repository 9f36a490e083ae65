#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "shared/base/clock.h"

namespace ace::supervisor {

using std::chrono::milliseconds;

/// How long one worker's place stays empty after a death: 200 ms, doubling to 30 s, and from the
/// start again after a worker that lived for a minute. Pure. Eight forks in the first minute of a
/// crash loop, two in each further one.
class RestartPolicy {
 public:
  static constexpr milliseconds kFirst{200};
  static constexpr milliseconds kLongest{30'000};
  static constexpr milliseconds kStable{60'000};

  RestartPolicy() = default;
  /// One that goes on where another stood.
  explicit RestartPolicy(milliseconds next) : next_{next} {}

  /// @returns the delay before the next start, for a worker that has died after `lived`.
  [[nodiscard]] milliseconds after_death(milliseconds lived);
  void forget() { next_ = kFirst; }
  [[nodiscard]] milliseconds next() const { return next_; }

 private:
  milliseconds next_{kFirst};
};

/// Bounds the forks of the whole host when one request kills worker after worker: a burst, then one
/// each ten seconds, so that there is neither a fork storm nor a host without workers. Pure.
class StartBudget {
 public:
  static constexpr milliseconds kRefill{10'000};

  explicit StartBudget(std::size_t burst) : burst_{burst} {}
  /// First starts and reloads do not count; restarts after a death do.
  void spend(SteadyTime now);
  /// The earliest time for the next restart; not after `now` when it may be at once.
  [[nodiscard]] SteadyTime next(SteadyTime now) const;
  void set_burst(std::size_t burst) { burst_ = burst; }

 private:
  std::size_t burst_;
  /// When each spent start will have been refilled, in order: refills follow one another.
  std::deque<SteadyTime> refilled_;
};

}  // namespace ace::supervisor
