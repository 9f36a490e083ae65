#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "coordinator/handover/passenger.h"
#include "shared/loop/timer.h"

namespace ace::streams {

/// The state of a stream's session while the stream passes from one worker to its replacement.
struct Inheritance {
  explicit Inheritance(loop::TimerFactory& timers) : patience{timers.make()} {}

  /// The estate that was taken over; used as soon as this worker owns the stream.
  std::optional<handover::Passenger> estate{};
  bool is_unpacked{};  ///< its buffer is already in our window
  /// Workers whose lease may still be in Redis, and is to count as a dead worker's.
  std::vector<proto::WorkerId> predecessor{};

  bool is_away{};         ///< our estate is offered, and the heir has not answered yet
  bool is_preparing{};    ///< reading is paused until everything that was read is stored
  unsigned refusals{};    ///< how often our estate was refused
  SteadyTime next_try{};  ///< when to offer our estate again
  std::unique_ptr<loop::Timer> patience;
};

}  // namespace ace::streams
