#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "coordinator/handover/passenger.h"
#include "shared/loop/timer.h"

namespace ace::streams {

/// What one stream's session keeps while the stream passes from worker to worker.
struct Inheritance {
  explicit Inheritance(loop::TimerFactory& timers) : patience{timers.make()} {}

  /// To be gone on with, as soon as the stream is owned here.
  std::optional<handover::Passenger> estate{};
  bool is_unpacked{};  ///< its buffer is ours already
  /// Whose lease may stand in Redis in our way: nobody else's is meant to.
  std::vector<proto::WorkerId> predecessor{};

  bool is_away{};         ///< ours is with an heir that has not said yet whether it takes it
  bool is_preparing{};    ///< reading rests, until all that was read is stored
  unsigned refusals{};    ///< of ours
  SteadyTime next_try{};  ///< to give ours
  std::unique_ptr<loop::Timer> patience;
};

}  // namespace ace::streams
