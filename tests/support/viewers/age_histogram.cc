#include "tests/support/viewers/age_histogram.h"

#include <algorithm>
#include <cmath>

namespace ace::test {

void AgeHistogram::record(std::chrono::nanoseconds age) {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(age).count();
  ++counts_[static_cast<std::size_t>(std::clamp<std::int64_t>(ms, 0, kBuckets - 1))];
  ++total_;
}

void AgeHistogram::clear() {
  std::ranges::fill(counts_, 0);
  total_ = 0;
}

std::chrono::milliseconds AgeHistogram::percentile(double fraction) const {
  const auto rank = static_cast<std::uint64_t>(std::ceil(fraction * static_cast<double>(total_)));
  std::uint64_t seen = 0;
  for (std::size_t ms = 0; ms < counts_.size(); ++ms) {
    seen += counts_[ms];
    if (seen >= rank && seen > 0) return std::chrono::milliseconds{ms};
  }
  return std::chrono::milliseconds{0};
}

}  // namespace ace::test
