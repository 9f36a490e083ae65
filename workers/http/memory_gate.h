#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "coordinator/host/scoreboard.h"
#include "shared/base/clock.h"

namespace ace::http {

/// Closed to new viewers while the host's memory is short: who watches shall go on watching, and
/// the kernel kill nobody.
class MemoryGate {
 public:
  struct Memory {
    std::uint64_t limit{};  ///< bytes
    /// Bytes. Nothing: it cannot be told just now.
    std::function<std::optional<std::uint64_t>()> used;
  };
  /// Of the limit, in hundredths: beyond the one it closes, below the other it opens again.
  static constexpr std::uint64_t kClose = 90, kOpen = 85;
  /// What was read so recently is believed: reading takes some system calls.
  static constexpr std::chrono::milliseconds kRecent{500};

  /// Without memory to look at it is always open.
  MemoryGate(const Clock& clock, std::optional<Memory> memory);

  [[nodiscard]] bool is_closed() const;

 private:
  const Clock& clock_;
  std::optional<Memory> memory_;
  // What was seen last.
  mutable std::optional<SteadyTime> seen_at_;
  mutable bool is_closed_{};
};

/// @param limit as PROXY_MEMORY_LIMIT has it: bytes that all workers together may hold, 0 for no
/// limit; nothing for that of the control group, if it has one.
/// @param board must outlive what is returned
[[nodiscard]] std::optional<MemoryGate::Memory> memory_of_host(std::optional<std::uint64_t> limit,
                                                               const host::Scoreboard& board);

}  // namespace ace::http
