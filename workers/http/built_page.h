#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "shared/base/clock.h"

namespace ace::http {

/// A page that is built when it is asked for, but not again before kRest times as long as that took
/// have gone by, or kMostRest: many who ask take a twentieth of the processor at most. Few notice:
/// a page of a host with little to show is some milliseconds old.
class BuiltPage {
 public:
  using CpuTime = std::function<std::chrono::nanoseconds()>;

  static constexpr int kRest = 20;
  static constexpr std::chrono::seconds kMostRest{1};

  /// @param cpu_time of this thread: a page is not older because others had the processor.
  BuiltPage(const Clock& clock, CpuTime cpu_time) : clock_{clock}, cpu_time_{std::move(cpu_time)} {}

  /// Valid until the next call.
  [[nodiscard]] const std::string& get(const std::function<std::string()>& build);

 private:
  const Clock& clock_;
  CpuTime cpu_time_;
  std::string text_;
  SteadyTime fresh_until_{};
};

}  // namespace ace::http
