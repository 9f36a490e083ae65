#pragma once

#include <chrono>
#include <functional>

namespace ace::test {

/// Asks `predicate` every few milliseconds until it is true or `timeout` has passed; returns its
/// last answer. The one place of the tests that waits in real time without an event to wait for:
/// for what only another process's state can tell. Anything with a descriptor is polled instead.
[[nodiscard]] bool wait_until(const std::function<bool()>& predicate,
                              std::chrono::milliseconds timeout);

/// How long is left until `deadline`, as poll(2) wants it: never negative, rounded up.
[[nodiscard]] int poll_timeout(std::chrono::steady_clock::time_point deadline);

}  // namespace ace::test
