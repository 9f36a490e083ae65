#pragma once

#include <cstdint>

#include "coordinator/host/scoreboard.h"

namespace ace::streams {

/// What one stream's window takes of the host's memory, and what it may come to: in the worker's
/// numbers for as long as the window lives. A window that has just been made counts with what it is
/// going to need.
class MemoryClaim {
 public:
  struct Bytes {
    std::uint64_t held{};
    std::uint64_t least{};  ///< what it must be left
    std::uint64_t most{};   ///< what it comes to if nothing holds it back; at least `least`
    bool operator==(const Bytes&) const = default;
  };

  MemoryClaim(host::SlotBoard& board, Bytes bytes) : board_{board} {
    ++board_.windows;
    set(bytes);
  }
  ~MemoryClaim() {
    set({});
    --board_.windows;
  }
  MemoryClaim(const MemoryClaim&) = delete;
  MemoryClaim& operator=(const MemoryClaim&) = delete;

  /// Additions that wrap around take away.
  void set(Bytes bytes) {
    board_.window_bytes += bytes.held - bytes_.held;
    board_.window_least += bytes.least - bytes_.least;
    board_.window_most += bytes.most - bytes_.most;
    bytes_ = bytes;
  }
  /// What the window may hold now, as the worker's budget has it.
  [[nodiscard]] std::uint64_t allowed() const {
    const std::uint64_t optional = bytes_.most - bytes_.least;
    return bytes_.most - optional * board_.window_permille / 1'000;
  }

 private:
  host::SlotBoard& board_;
  Bytes bytes_;
};

}  // namespace ace::streams
