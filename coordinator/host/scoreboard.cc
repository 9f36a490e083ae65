#include "coordinator/host/scoreboard.h"

namespace ace::host {
namespace {

void forget_live_numbers(SlotBoard& board) {
  board.clients = 0;
  board.connections = 0;
  board.stranger_bytes = 0;
  for (auto& bytes : board.stranger_bytes_by_address) bytes = 0;
  board.owned_streams = 0;
  board.redis_is_up = 0;
  board.redis_trouble = RedisTrouble::None;
  board.unstored_streams = 0;
  board.redis_bytes_in_flight = 0;
  board.longest_lag_ms = 0;
  board.windows = 0;
  board.window_bytes = board.window_least = board.window_most = 0;
  board.window_permille = 0;
  for (auto& outgoing : board.placing) outgoing = 0;
}

}  // namespace

bool Scoreboard::is_alive(WorkerRef worker) const {
  if (worker.generation == 0 || worker.slot >= kMaxSlots) return false;
  const auto& board = slots[worker.slot];
  return board.generation == worker.generation && board.phase != WorkerPhase::Empty;
}

bool Scoreboard::has_beaten(std::uint32_t slot, std::chrono::milliseconds time) const {
  const SteadyTime beat{std::chrono::nanoseconds{slots[slot].beat_ns}};
  return SystemClock{}.now() - beat <= time;
}

bool Scoreboard::is_caretaker(WorkerRef worker) const {
  for (std::uint32_t slot = 0; slot < kMaxSlots; ++slot) {
    if (slots[slot].phase != WorkerPhase::Serving || !has_beaten(slot, kFreshBeat)) continue;
    return worker == WorkerRef{.slot = slot, .generation = slots[slot].generation};
  }
  return false;
}

WorkerRef Scoreboard::open_slot(std::uint32_t slot) {
  auto& board = slots[slot];
  forget_live_numbers(board);
  board.pid = 0;
  board.beat_ns = SystemClock{}.now().time_since_epoch().count();
  const WorkerRef worker{.slot = slot, .generation = ++board.generation};
  board.phase = WorkerPhase::Starting;
  return worker;
}

void Scoreboard::set_pid(WorkerRef worker, std::int32_t pid) { slots[worker.slot].pid = pid; }

void Scoreboard::close_slot(std::uint32_t slot) {
  auto& board = slots[slot];
  board.phase = WorkerPhase::Empty;
  board.pid = 0;
  forget_live_numbers(board);
}

}  // namespace ace::host
