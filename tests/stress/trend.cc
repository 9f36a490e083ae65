#include "tests/stress/trend.h"

#include <fmt/format.h>

namespace ace::stress {

double Trend::growth() const {
  const auto first = first_that_counts();
  const auto count = values_.size() - first;
  if (count < 2) return 0;
  // Least squares: x runs from 0 to count - 1.
  const auto n = static_cast<double>(count);
  const auto mean_x = (n - 1) / 2;
  double mean_y = 0;
  for (std::size_t i = 0; i < count; ++i) mean_y += values_[first + i] / n;
  double covariance = 0;
  double variance = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const auto x = static_cast<double>(i) - mean_x;
    covariance += x * (values_[first + i] - mean_y);
    variance += x * x;
  }
  return covariance / variance * (n - 1);
}

std::string Trend::text() const {
  constexpr std::size_t kParts = 10;
  std::string parts;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto begin = values_.size() * part / kParts;
    const auto end = values_.size() * (part + 1) / kParts;
    double sum = 0;
    for (auto i = begin; i < end; ++i) sum += values_[i];
    if (end > begin) parts += fmt::format(" {:.1f}", sum / static_cast<double>(end - begin));
  }
  return fmt::format("{}:{} (mean of each tenth), grown by {:.1f} ({:.1f} allowed)", what_, parts,
                     growth(), allowed_);
}

}  // namespace ace::stress
