#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/viewers/viewers.h"

namespace ace::stress {

struct WrkLoad {
  std::uint16_t port{};
  std::string script;                ///< of this folder: "api.lua"
  std::string target;                ///< path of the page
  std::vector<std::string> words{};  ///< for the script
  int connections{16};
  std::chrono::seconds duration{5};
};

/// What wrk counted.
struct WrkReport {
  double requests_per_second{};
  double megabits_per_second{};
  std::chrono::microseconds p50{};
  std::chrono::microseconds p99{};
  std::uint64_t failed{};  ///< connections and requests that broke
  std::uint64_t not_ok{};  ///< answers other than 2xx and 3xx
};

/// Runs wrk, one thread, and `beside` all the while. Throws with its words when it has no report.
[[nodiscard]] WrkReport run_wrk(const WrkLoad& load, test::Viewers& beside);

}  // namespace ace::stress
