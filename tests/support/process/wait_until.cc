#include "tests/support/process/wait_until.h"

#include <poll.h>

#include <algorithm>

namespace ace::test {
namespace {

constexpr int kPauseMs = 5;

}  // namespace

bool wait_until(const std::function<bool()>& predicate, std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    // Asked once more behind the deadline: it may be we who had no turn before it.
    const bool is_last = std::chrono::steady_clock::now() >= deadline;
    if (predicate()) return true;
    if (is_last) return false;
    ::poll(nullptr, 0, kPauseMs);
  }
}

int poll_timeout(std::chrono::steady_clock::time_point deadline) {
  const auto left =
      std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::chrono::milliseconds::rep>(left.count(), 0, 3'600'000));
}

}  // namespace ace::test
