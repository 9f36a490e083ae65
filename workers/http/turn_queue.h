#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "shared/base/clock.h"
#include "shared/loop/after_poll.h"

namespace ace::http {

/// Shares a worker's loop among its connections: each that has something to read or to answer waits
/// for its turn, and all turns of one round of the loop take about kSlice. Timers and the sockets
/// of media and viewers come between two rounds, whatever a client pipelines.
class TurnQueue {
 public:
  class Guest {
   public:
    virtual ~Guest() = default;
    /// Does a little, and waits again if there is more to do.
    virtual void on_turn() = 0;
  };
  enum class Kind {
    Fresh,  ///< bytes have come: most clients have asked for one thing, and wait for it
    More,   ///< what an earlier turn did not come to
  };

  /// A round ends with the turn that goes beyond this.
  static constexpr std::chrono::milliseconds kSlice{5};
  /// Fresh guests that come before one of the others.
  static constexpr std::size_t kFreshFirst = 8;

  TurnQueue(loop::Loop& loop, const Clock& clock);

  /// A guest waits once at a time. It outlives its wait, or leaves.
  void wait(Guest& guest, Kind kind);
  void leave(const Guest& guest);

 private:
  void run_round();
  [[nodiscard]] Guest& take_next();

  const Clock& clock_;
  std::deque<Guest*> fresh_;
  std::deque<Guest*> more_;
  std::size_t fresh_in_a_row_{};
  loop::AfterPoll after_poll_;
};

}  // namespace ace::http
