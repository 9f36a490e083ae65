#include "tests/stress/violations.h"

#include <fmt/format.h>

#include <cstdio>

namespace ace::stress {

void Violations::add(const std::string& what) {
  if (++count_ > kMostPrinted) return;
  const std::chrono::duration<double> now = std::chrono::steady_clock::now() - began_;
  fmt::print("{:7.1f} s  VIOLATION: {}\n", now.count(), what);
  std::fflush(stdout);
}

void Violations::demand(bool holds, const std::string& what) {
  if (!holds) add(what);
}

}  // namespace ace::stress
