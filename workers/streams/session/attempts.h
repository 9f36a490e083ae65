#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "shared/base/clock.h"
#include "shared/base/error.h"
#include "workers/engines/engine_selector.h"

namespace ace::streams {

using engines::EngineFailure;

/// Counts the attempts since a stream was well, and decides when to try again. Pure.
class Attempts {
 public:
  /// A session that has brought media for longer is a good one: earlier failures are forgotten.
  /// With a shorter time, two engines that deliver a little and break off would be asked in turns
  /// without a pause. An engine that brings seconds of media each time is better than nothing.
  static constexpr std::chrono::milliseconds kGoodSession{2'000};

  /// @param give_up time without media after which a stream that has delivered before is given up
  explicit Attempts(std::chrono::milliseconds give_up) : give_up_{give_up} {}

  /// A session delivered for `lasted` before this.
  void note_failure(std::string engine_id, const Error& why, SteadyTime now,
                    std::chrono::nanoseconds lasted);
  /// All engines were tried: they may be asked again after the returned pause.
  [[nodiscard]] std::chrono::milliseconds begin_round();
  /// The stream is well.
  void forget();
  [[nodiscard]] bool is_hopeless(SteadyTime now) const;

  /// The engines that failed in this round.
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
