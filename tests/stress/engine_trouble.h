#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <random>
#include <string_view>

#include "tests/support/process/sim_process.h"

namespace ace::stress {

/// Engines that fail one after the other, each for some seconds; never all of them at once.
class EngineTrouble {
 public:
  EngineTrouble(const test::SimProcess& engines, std::size_t count, unsigned seed);

  /// To be called often: begins and ends what is due.
  void turn();
  void end_all();
  [[nodiscard]] const std::map<std::string_view, std::size_t>& begun() const { return begun_; }

 private:
  using Time = std::chrono::steady_clock::time_point;

  const test::SimProcess& engines_;
  std::size_t count_;
  std::mt19937 random_;
  std::map<std::size_t, Time> ends_;  ///< engine → when it is well again
  std::map<std::string_view, std::size_t> begun_;
  Time next_;
};

}  // namespace ace::stress
