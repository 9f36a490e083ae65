#include "workers/streams/window/memory_budget.h"

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "shared/os/memory_use.h"

namespace ace::streams {
namespace {

std::uint64_t above(std::uint64_t number, std::uint64_t other) {
  return number > other ? number - other : 0;
}

}  // namespace

MemoryBudget::MemoryBudget(const Clock& clock, const host::Scoreboard& board,
                           std::optional<Memory> memory)
    : clock_{clock}, board_{board}, memory_{std::move(memory)} {}

bool MemoryBudget::has_room() const {
  if (!look()) return true;
  const auto now = sums();
  const auto needed = others(now) + now.least + kLeast + kBesides;
  const auto bound = memory_->limit / 100 * (is_short_ ? kOpen : kClose);
  const bool is_short = needed > bound;
  if (std::exchange(is_short_, is_short) != is_short) {
    log::warn(is_short ? "memory_short" : "memory_regained",
              "used={} limit={} windows={} window_bytes={} least={}", *used_, memory_->limit,
              now.windows, now.held, now.least);
  }
  return !is_short;
}

std::uint32_t MemoryBudget::permille() const {
  if (!look()) return 0;
  const auto now = sums();
  const auto optional = above(now.most, now.least);
  const auto room = above(memory_->limit / 100 * kClose, others(now) + now.least);
  if (room >= optional) return 0;
  return static_cast<std::uint32_t>(1'000 - room * 1'000 / optional);
}

bool MemoryBudget::look() const {
  if (!memory_ || memory_->limit == 0) return false;
  const auto now = clock_.now();
  if (!seen_at_ || now - *seen_at_ >= kRecent) {
    seen_at_ = now;
    if (const auto used = memory_->used()) {
      used_ = used;
      then_ = sums();
    }
  }
  return used_.has_value();
}

std::uint64_t MemoryBudget::others(const Sums& now) const {
  // Who has come since then has taken more than was seen.
  return above(*used_, then_.held) + above(now.windows, then_.windows) * kBesides +
         above(now.clients, then_.clients) * kClient;
}

MemoryBudget::Sums MemoryBudget::sums() const {
  Sums sums;
  for (const auto& slot : board_.slots) {
    sums.windows += slot.windows;
    sums.held += slot.window_bytes;
    sums.least += slot.window_least;
    sums.most += slot.window_most;
    sums.clients += slot.clients;
  }
  return sums;
}

std::optional<MemoryBudget::Memory> memory_of_host(std::optional<std::uint64_t> limit,
                                                   const host::Scoreboard& board) {
  if (limit) {
    const auto of_workers = [&board]() -> std::optional<std::uint64_t> {
      std::uint64_t sum = 0;
      for (const auto& slot : board.slots) {
        if (const auto pid = slot.pid.load(); pid > 0) sum += os::resident_bytes(pid);
      }
      return sum;
    };
    return MemoryBudget::Memory{.limit = *limit, .used = of_workers};
  }
  const auto group = os::MemoryGroup::find();
  if (!group) return std::nullopt;
  return MemoryBudget::Memory{.limit = group->limit(), .used = [group] { return group->used(); }};
}

}  // namespace ace::streams
