#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "shared/base/clock.h"
#include "shared/base/error.h"
#include "workers/engines/engine_selector.h"

namespace ace::streams {

using engines::EngineFailure;

/// What has been tried since a stream was well, and when to try again. Pure.
class Attempts {
 public:
  /// A session that has brought media for longer is a good one: what failed before it is forgotten.
  /// Shorter, two engines that deliver a little and break off would be asked in turns without a
  /// pause. Who brings seconds of media each time is better than nothing.
  static constexpr std::chrono::milliseconds kGoodSession{2'000};

  /// @param give_up how long a stream that has delivered before is tried to be brought back
  explicit Attempts(std::chrono::milliseconds give_up) : give_up_{give_up} {}

  /// A session delivered for `lasted` before this.
  void note_failure(std::string engine_id, const Error& why, SteadyTime now,
                    std::chrono::nanoseconds lasted);
  /// Every engine had its turn: all of them may be asked again, after the pause that is returned.
  [[nodiscard]] std::chrono::milliseconds begin_round();
  /// The stream is well.
  void forget();
  [[nodiscard]] bool is_hopeless(SteadyTime now) const;

  /// Engines that failed in this round.
  [[nodiscard]] const engines::ExcludedEngines& tried() const { return tried_; }
  [[nodiscard]] const std::vector<EngineFailure>& failures() const { return failures_; }

 private:
  std::chrono::milliseconds give_up_;
  std::vector<EngineFailure> failures_;
  engines::ExcludedEngines tried_;
  SteadyTime failing_since_;
  unsigned rounds_{};
};

}  // namespace ace::streams
