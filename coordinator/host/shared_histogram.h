#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>

namespace ace::host {

/// Durations counted by size, in memory that several processes share: one writes, any reads. All
/// have the same bounds, so that what workers counted can be added up.
class SharedHistogram {
 public:
  /// Inclusive, in microseconds: half a millisecond to a minute.
  static constexpr std::array<std::int64_t, 16> kBounds{
      500,     1'000,   2'500,     5'000,     10'000,    25'000,     50'000,     100'000,
      250'000, 500'000, 1'000'000, 2'500'000, 5'000'000, 10'000'000, 30'000'000, 60'000'000};

  struct Reading {
    std::array<std::uint64_t, kBounds.size() + 1> counts{};  ///< the last: beyond all bounds
    std::uint64_t sum_us{};

    Reading& operator+=(const Reading& other);
    [[nodiscard]] std::uint64_t count() const;
  };

  /// What is below zero counts as nothing. Two relaxed additions.
  void add(std::chrono::nanoseconds duration);
  /// While somebody adds, sum and counts may be of different moments.
  [[nodiscard]] Reading read() const;

 private:
  std::array<std::atomic<std::uint64_t>, kBounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_us_{};
};

}  // namespace ace::host
