#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "shared/base/clock.h"

namespace ace::http {

/// A page that is built each time it is asked for, unless that has cost too much of late: a request
/// may find a page that is up to kMostRest old once the builds have used up kBurst of processor
/// time, which comes back at a twentieth of the time that goes by. So a person or a script that
/// asks now and then sees each change at once, and a flood takes a twentieth of the processor.
class BuiltPage {
 public:
  using CpuTime = std::function<std::chrono::nanoseconds()>;

  static constexpr int kRest = 20;
  static constexpr std::chrono::milliseconds kBurst{100};
  static constexpr std::chrono::seconds kMostRest{1};

  /// @param cpu_time of this thread: a page is not older because others had the processor.
  BuiltPage(const Clock& clock, CpuTime cpu_time) : clock_{clock}, cpu_time_{std::move(cpu_time)} {}

  /// Valid until the next call.
  [[nodiscard]] const std::string& get(const std::function<std::string()>& build);

 private:
  const Clock& clock_;
  CpuTime cpu_time_;
  std::string text_;
  SteadyTime built_at_{};
  /// Until then the builds so far have been paid for, at the twentieth's rate.
  SteadyTime paid_until_{};
};

}  // namespace ace::http
