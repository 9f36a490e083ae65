#include "tests/stress/trend.h"

#include <fmt/format.h>

#include <algorithm>

namespace ace::stress {

std::vector<double> Trend::parts() const {
  constexpr std::size_t kParts = 10;
  std::vector<double> means;
  for (std::size_t part = 0; part < kParts; ++part) {
    const auto begin = values_.size() * part / kParts;
    const auto end = values_.size() * (part + 1) / kParts;
    double sum = 0;
    for (auto i = begin; i < end; ++i) sum += values_[i];
    if (end > begin) means.push_back(sum / static_cast<double>(end - begin));
  }
  return means;
}

double Trend::growth() const {
  const auto means = parts();
  if (means.size() < 2) return 0;
  std::vector<double> steps;
  for (std::size_t i = 1; i < means.size(); ++i) steps.push_back(means[i] - means[i - 1]);
  std::ranges::sort(steps);
  return steps[steps.size() / 2] * static_cast<double>(steps.size());
}

std::string Trend::text() const {
  std::string parts_text;
  for (const auto mean : parts()) parts_text += fmt::format(" {:.1f}", mean);
  return fmt::format("{}:{} (mean of each tenth), grown by {:.1f} ({:.1f} allowed)", what_,
                     parts_text, growth(), allowed_);
}

}  // namespace ace::stress
