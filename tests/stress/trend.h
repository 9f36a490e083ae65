#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ace::stress {

/// A figure that was read again and again over a long run, and must not grow for ever.
class Trend {
 public:
  /// `allowed`: how much the fitted line may rise between the first reading that counts and the
  /// last: what has still to settle, and what readings scatter.
  Trend(std::string what, double allowed) : what_{std::move(what)}, allowed_{allowed} {}

  void read(double value) { values_.push_back(value); }
  /// How much the straight line through the last three quarters of the readings (the first has
  /// caches that fill) rises between their ends.
  [[nodiscard]] double growth() const;
  [[nodiscard]] bool is_flat() const { return growth() <= allowed_; }
  /// "memory of the proxy: 20.1 20.2 … (mean of each tenth), grown by 0.2 (2.0 allowed)"
  [[nodiscard]] std::string text() const;

 private:
  [[nodiscard]] std::size_t first_that_counts() const { return values_.size() / 4; }

  std::string what_;
  double allowed_;
  std::vector<double> values_;
};

}  // namespace ace::stress
