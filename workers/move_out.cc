#include "workers/move_out.h"

#include <utility>

namespace ace::workers {
namespace {

constexpr std::chrono::milliseconds kStepEvery{20};

}  // namespace

MoveOut::MoveOut(loop::TimerFactory& timers, const host::Scoreboard& board,
                 handover::Handover& handover, http::Server& server,
                 streams::StreamManager& streams, const films::Films& films,
                 std::function<void()> on_done)
    : board_{board},
      handover_{handover},
      server_{server},
      streams_{streams},
      films_{films},
      on_done_{std::move(on_done)},
      timer_{timers.make()} {}

void MoveOut::to(host::WorkerRef heir) {
  heir_ = heir;
  // Who has just connected, and has said nothing yet, shall find somebody who listens.
  if (can_move()) hand_connections_over();
  server_.stop_accepting();
  timer_->every(kStepEvery, [this] { step(); });
}

void MoveOut::step() {
  if (can_move()) {
    hand_connections_over();
    streams_.move_to(heir_);
  } else {
    server_.stop_accepting();  // who was answered meanwhile need not wait for a next request here
  }
  const bool is_done = streams_.is_empty() && films_.is_empty() && handover_.in_flight() == 0 &&
                       server_.connections() == 0;
  if (is_done) on_done_();
}

void MoveOut::hand_connections_over() {
  for (auto& taken : server_.release_reading()) {
    handover_.count_on_its_way(heir_);
    handover_.offer(heir_, {.socket = std::move(taken.socket),
                            .peer = std::move(taken.peer),
                            .request = std::move(taken.raw)});
  }
}

bool MoveOut::can_move() const {
  return board_.is_alive(heir_) && board_.slots[heir_.slot].phase == host::WorkerPhase::Serving;
}

}  // namespace ace::workers
