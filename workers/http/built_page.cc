#include "workers/http/built_page.h"

#include <algorithm>

namespace ace::http {

const std::string& BuiltPage::get(const std::function<std::string()>& build) {
  if (clock_.now() < fresh_until_) return text_;
  const auto begin = cpu_time_();
  text_ = build();
  const std::chrono::nanoseconds rest = (cpu_time_() - begin) * kRest;
  fresh_until_ = clock_.now() + std::min<std::chrono::nanoseconds>(rest, kMostRest);
  return text_;
}

}  // namespace ace::http
