#include "workers/http/built_page.h"

#include <algorithm>

namespace ace::http {

const std::string& BuiltPage::get(const std::function<std::string()>& build) {
  const auto now = clock_.now();
  const bool is_over_budget = paid_until_ > now + kBurst * kRest;
  if (is_over_budget && now < built_at_ + kMostRest) return text_;
  const auto begin = cpu_time_();
  text_ = build();
  built_at_ = clock_.now();
  paid_until_ = std::max(paid_until_, built_at_) + (cpu_time_() - begin) * kRest;
  return text_;
}

}  // namespace ace::http
