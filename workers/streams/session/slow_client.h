#pragma once

#include <chrono>
#include <optional>

#include "shared/base/clock.h"
#include "workers/clients/client_state.h"
#include "workers/streams/session/stall.h"

namespace ace::streams {

/// Whether one client's picture stands still although there is media for it: it is behind live by
/// more than it wanted and the join burst gave it to hold, and stays so; or it had to be moved
/// forward. Pure: times come with the calls.
class SlowClient {
 public:
  /// So much further behind, and for so long. Players hold some seconds.
  static constexpr std::chrono::milliseconds kBehind{2'000};

  enum class News : std::uint8_t { None, Begun, Over };

  /// Twice a second. `burst`: what a client that keeps up may be behind. `has_skipped`: it was
  /// moved forward since the last call.
  News tick(const clients::ClientPace& pace, std::chrono::milliseconds burst, bool has_skipped,
            SteadyTime now, WallTime wall);

  /// The last one.
  [[nodiscard]] const std::optional<Stall>& stall() const { return stall_; }

 private:
  std::optional<SteadyTime> behind_since_;
  std::chrono::milliseconds last_lag_{};
  unsigned ticks_of_its_own_{};  ///< while it is behind
  unsigned ticks_of_redis_{};    ///< what it is to get next is being read back
  std::optional<Stall> stall_;
};

}  // namespace ace::streams
