#include "coordinator/host/shared_histogram.h"

#include <algorithm>
#include <numeric>

namespace ace::host {

SharedHistogram::Reading& SharedHistogram::Reading::operator+=(const Reading& other) {
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  sum_us += other.sum_us;
  return *this;
}

std::uint64_t SharedHistogram::Reading::count() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

void SharedHistogram::add(std::chrono::nanoseconds duration) {
  const auto us =
      std::max<std::int64_t>(std::chrono::ceil<std::chrono::microseconds>(duration).count(), 0);
  const auto bound = std::ranges::lower_bound(kBounds, us);
  const auto bucket = static_cast<std::size_t>(bound - kBounds.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  sum_us_.fetch_add(static_cast<std::uint64_t>(us), std::memory_order_relaxed);
}

SharedHistogram::Reading SharedHistogram::read() const {
  Reading reading;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    reading.counts[i] = counts_[i].load(std::memory_order_relaxed);
  }
  reading.sum_us = sum_us_.load(std::memory_order_relaxed);
  return reading;
}

}  // namespace ace::host
