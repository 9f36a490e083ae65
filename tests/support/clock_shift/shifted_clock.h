#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/process/temp_dir.h"

namespace ace::test {

/// The wall clock of the programs that are started with it: a host whose clock is set while they
/// run. Their steady clocks go on. (libfaketime hangs redis-server.)
class ShiftedClock {
 public:
  /// Throws when there is no room for the file.
  ShiftedClock();
  ~ShiftedClock();
  ShiftedClock(const ShiftedClock&) = delete;
  ShiftedClock& operator=(const ShiftedClock&) = delete;

  /// From now on the clock is so far off.
  void set(std::chrono::nanoseconds off) { *shift_ = off.count(); }
  /// For a program's environment. Not for one with a sanitizer, which wants to be loaded first.
  [[nodiscard]] std::map<std::string, std::string> environment() const;
  /// In front of a command line.
  [[nodiscard]] std::vector<std::string> launcher() const;

 private:
  TempDir dir_;
  volatile std::int64_t* shift_{};
};

}  // namespace ace::test
