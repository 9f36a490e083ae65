#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace ace::stress {

/// A figure that was read again and again over a long run, and must not grow for ever. What leaks
/// grows all the time; what has found a new peak, and the allocator keeps, grew once.
class Trend {
 public:
  /// `allowed`: how much it may grow, as growth() has it: what readings scatter.
  Trend(std::string what, double allowed) : what_{std::move(what)}, allowed_{allowed} {}

  void read(double value) { values_.push_back(value); }
  /// Over the whole run, if it always grew as it does from one tenth of the run to the next in the
  /// median.
  [[nodiscard]] double growth() const;
  [[nodiscard]] bool is_flat() const { return growth() <= allowed_; }
  /// "memory of the proxy: 20.1 20.2 … (mean of each tenth), grown by 0.2 (2.0 allowed)"
  [[nodiscard]] std::string text() const;

 private:
  /// The mean of each tenth; fewer when there are fewer readings.
  [[nodiscard]] std::vector<double> parts() const;

  std::string what_;
  double allowed_;
  std::vector<double> values_;
};

}  // namespace ace::stress
