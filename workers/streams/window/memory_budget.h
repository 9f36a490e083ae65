#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "coordinator/host/scoreboard.h"
#include "shared/base/clock.h"

namespace ace::streams {

/// Divides the memory that the host's workers may hold. What is used is read from the kernel; what
/// is promised, the windows of streams that have been admitted and are not full yet, from the
/// scoreboard. Where both together do not fit, windows are shortened for all workers alike; where
/// their least parts do not fit either, there is no room for new viewers. Who watches goes on.
class MemoryBudget {
 public:
  struct Memory {
    std::uint64_t limit{};  ///< bytes; 0: none
    /// Bytes. Nothing: it cannot be told just now.
    std::function<std::optional<std::uint64_t>()> used;
  };
  /// Of the limit, in hundredths: what does not fit below the one is refused, until it fits below
  /// the other.
  static constexpr std::uint64_t kClose = 90, kOpen = 85;
  /// What was read so recently is believed: reading takes some system calls.
  static constexpr std::chrono::milliseconds kRecent{500};
  /// What a stream takes besides its window: the chunk that is being built, what is read from its
  /// engine and on its way to Redis.
  static constexpr std::uint64_t kBesides = std::uint64_t{1} << 20U;
  /// The least part of a window whose rate is not known yet.
  static constexpr std::uint64_t kLeast = std::uint64_t{2} << 20U;
  /// What a client takes as it joins: a copy of the part of a chunk that it begins with.
  static constexpr std::uint64_t kClient = std::uint64_t{128} << 10U;

  /// Without memory to look at there is always room.
  MemoryBudget(const Clock& clock, const host::Scoreboard& board, std::optional<Memory> memory);

  /// For one more viewer, of a stream of its own.
  [[nodiscard]] bool has_room() const;
  /// What windows have to do without, in thousandths of what they can do without.
  [[nodiscard]] std::uint32_t permille() const;

 private:
  /// Of all workers together.
  struct Sums {
    std::uint64_t windows{}, held{}, least{}, most{}, clients{};
  };
  [[nodiscard]] Sums sums() const;
  /// False: nothing is known, or there is no limit.
  bool look() const;
  /// What is used but for windows.
  [[nodiscard]] std::uint64_t others(const Sums& now) const;

  const Clock& clock_;
  const host::Scoreboard& board_;
  std::optional<Memory> memory_;
  // What was seen last.
  mutable std::optional<SteadyTime> seen_at_;
  mutable std::optional<std::uint64_t> used_;
  mutable Sums then_;  ///< at the same time
  mutable bool is_short_{};
};

/// @param limit as PROXY_MEMORY_LIMIT has it: bytes that all workers together may hold, 0 for no
/// limit; nothing for that of the control group, if it has one.
/// @param board must outlive what is returned
[[nodiscard]] std::optional<MemoryBudget::Memory> memory_of_host(std::optional<std::uint64_t> limit,
                                                                 const host::Scoreboard& board);

}  // namespace ace::streams
