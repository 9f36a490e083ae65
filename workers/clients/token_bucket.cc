#include "workers/clients/token_bucket.h"

#include <algorithm>
#include <chrono>

namespace ace::clients {

double TokenBucket::level(SteadyTime now) const {
  const std::chrono::duration<double> rest = now - filled_at_;
  const auto earned = rest.count() * static_cast<double>(rate_.bytes_per_second);
  return std::min(level_ + earned, static_cast<double>(rate_.burst));
}

void TokenBucket::set_rate(ClientRate rate, SteadyTime now) {
  if (rate == rate_) return;
  const auto before = is_limited() ? level(now) : static_cast<double>(rate.burst);
  level_ = std::min(before, static_cast<double>(rate.burst));
  filled_at_ = now;
  rate_ = rate;
}

bool TokenBucket::may_take(SteadyTime now) const { return !is_limited() || level(now) > 0; }

void TokenBucket::take(std::size_t bytes, SteadyTime now) {
  if (!is_limited()) return;
  level_ = level(now) - static_cast<double>(bytes);
  filled_at_ = now;
}

}  // namespace ace::clients
