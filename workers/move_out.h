#pragma once

#include <functional>
#include <memory>

#include "coordinator/handover/handover.h"
#include "coordinator/host/scoreboard.h"
#include "shared/loop/timer.h"
#include "workers/films/films.h"
#include "workers/http/server.h"
#include "workers/streams/session/stream_manager.h"

namespace ace::workers {

/// The end of a worker that is being replaced: hands its heir what it has, a little at a time, and
/// says so when nothing is left. Without an heir, or with one that takes nothing, it serves what it
/// has until that leaves by itself.
class MoveOut {
 public:
  /// References must outlive it. `on_done`: from the loop, again and again until it is destroyed.
  MoveOut(loop::TimerFactory& timers, const host::Scoreboard& board, handover::Handover& handover,
          http::Server& server, streams::StreamManager& streams, const films::Films& films,
          std::function<void()> on_done);
  MoveOut(const MoveOut&) = delete;
  MoveOut& operator=(const MoveOut&) = delete;

  /// Begins, or goes on to another heir, the one before having died. Generation 0: nobody.
  void to(host::WorkerRef heir);
  void stop() { timer_->stop(); }

 private:
  void step();
  void hand_connections_over();
  [[nodiscard]] bool can_move() const;

  const host::Scoreboard& board_;
  handover::Handover& handover_;
  http::Server& server_;
  streams::StreamManager& streams_;
  const films::Films& films_;
  std::function<void()> on_done_;
  host::WorkerRef heir_;
  std::unique_ptr<loop::Timer> timer_;
};

}  // namespace ace::workers
