#pragma once

#include <chrono>
#include <cstddef>
#include <string>

namespace ace::stress {

/// What must not have happened: printed at once, with its time in the run, and counted.
class Violations {
 public:
  void add(const std::string& what);
  /// Adds `what` unless `holds`.
  void demand(bool holds, const std::string& what);
  [[nodiscard]] std::size_t count() const { return count_; }

 private:
  /// A run that goes wrong as a whole says so once, not a million times.
  static constexpr std::size_t kMostPrinted = 200;

  std::chrono::steady_clock::time_point began_{std::chrono::steady_clock::now()};
  std::size_t count_{};
};

}  // namespace ace::stress
