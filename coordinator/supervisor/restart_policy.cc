#include "coordinator/supervisor/restart_policy.h"

#include <algorithm>
#include <utility>

namespace ace::supervisor {

milliseconds RestartPolicy::after_death(milliseconds lived) {
  if (lived >= kStable) next_ = kFirst;
  return std::exchange(next_, std::min(next_ * 2, kLongest));
}

void StartBudget::spend(SteadyTime now) {
  while (!refilled_.empty() && refilled_.front() <= now) refilled_.pop_front();
  const SteadyTime from = refilled_.empty() ? now : refilled_.back();
  refilled_.push_back(from + kRefill);
}

SteadyTime StartBudget::next(SteadyTime now) const {
  const auto is_open = [now](SteadyTime refill) { return refill > now; };
  const auto open =
      static_cast<std::size_t>(std::count_if(refilled_.begin(), refilled_.end(), is_open));
  if (open < burst_) return now;
  return refilled_[refilled_.size() - burst_];
}

}  // namespace ace::supervisor
