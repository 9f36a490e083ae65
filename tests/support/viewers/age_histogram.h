#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

namespace ace::test {

/// How old packets were when they came: counts per millisecond, up to a minute.
class AgeHistogram {
 public:
  AgeHistogram() : counts_(kBuckets) {}

  void record(std::chrono::nanoseconds age);
  void clear();
  [[nodiscard]] std::uint64_t count() const { return total_; }
  /// The age that `fraction` of the packets did not exceed (0.99: the 99th percentile), rounded up
  /// to a millisecond; zero when nothing was recorded.
  [[nodiscard]] std::chrono::milliseconds percentile(double fraction) const;
  [[nodiscard]] std::chrono::milliseconds max() const { return percentile(1.0); }

 private:
  static constexpr std::size_t kBuckets = 60'001;

  std::vector<std::uint64_t> counts_;
  std::uint64_t total_{};
};

}  // namespace ace::test
