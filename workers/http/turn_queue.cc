#include "workers/http/turn_queue.h"

#include <utility>

namespace ace::http {

TurnQueue::TurnQueue(loop::Loop& loop, const Clock& clock)
    : clock_{clock}, after_poll_{loop, [this] { run_round(); }} {}

void TurnQueue::wait(Guest& guest, Kind kind) {
  (kind == Kind::Fresh ? fresh_ : more_).push_back(&guest);
  after_poll_.arm();
}

void TurnQueue::leave(const Guest& guest) {
  std::erase(fresh_, &guest);
  std::erase(more_, &guest);
}

TurnQueue::Guest& TurnQueue::take_next() {
  const bool is_fresh = more_.empty() || (!fresh_.empty() && fresh_in_a_row_ < kFreshFirst);
  fresh_in_a_row_ = is_fresh ? fresh_in_a_row_ + 1 : 0;
  auto& queue = is_fresh ? fresh_ : more_;
  auto* const guest = queue.front();
  queue.pop_front();
  return *guest;
}

void TurnQueue::run_round() {
  const auto end = clock_.now() + kSlice;
  // Not more than wait now: who waits again from within its turn waits for the next round.
  for (auto turns = fresh_.size() + more_.size(); turns > 0; --turns) {
    if (fresh_.empty() && more_.empty()) return;  // some have left
    take_next().on_turn();
    if (clock_.now() >= end) break;
  }
  if (!fresh_.empty() || !more_.empty()) after_poll_.arm();
}

}  // namespace ace::http
