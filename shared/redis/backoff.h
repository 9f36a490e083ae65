#pragma once

#include <chrono>
#include <cstdint>

namespace ace::redis {

/// How long to wait before the next attempt to connect: 100 ms, then up to twice as long each time,
/// at most 2 s. Half of each delay is left to chance, so that the workers of many hosts do not all
/// come back in the same instant. Pure: the caller brings the randomness.
class Backoff {
 public:
  static constexpr std::chrono::milliseconds kFirst{100};
  static constexpr std::chrono::milliseconds kLongest{2000};

  [[nodiscard]] std::chrono::milliseconds next(std::uint64_t random);
  /// After a connection that was good.
  void reset() { ceiling_ = kFirst; }

 private:
  std::chrono::milliseconds ceiling_{kFirst};
};

}  // namespace ace::redis
