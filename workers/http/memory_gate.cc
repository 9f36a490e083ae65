#include "workers/http/memory_gate.h"

#include <utility>

#include "shared/log/log.h"
#include "shared/os/memory_use.h"

namespace ace::http {

MemoryGate::MemoryGate(const Clock& clock, std::optional<Memory> memory)
    : clock_{clock}, memory_{std::move(memory)} {}

bool MemoryGate::is_closed() const {
  if (!memory_ || memory_->limit == 0) return false;
  const auto now = clock_.now();
  if (seen_at_ && now - *seen_at_ < kRecent) return is_closed_;
  seen_at_ = now;
  const auto used = memory_->used();
  if (!used) return is_closed_;
  const auto bound = memory_->limit / 100 * (is_closed_ ? kOpen : kClose);
  const bool is_short = *used > bound;
  if (std::exchange(is_closed_, is_short) != is_short) {
    log::warn(is_short ? "memory_short" : "memory_regained", "used={} limit={}", *used,
              memory_->limit);
  }
  return is_closed_;
}

std::optional<MemoryGate::Memory> memory_of_host(std::optional<std::uint64_t> limit,
                                                 const host::Scoreboard& board) {
  if (limit) {
    const auto of_workers = [&board]() -> std::optional<std::uint64_t> {
      std::uint64_t sum = 0;
      for (const auto& slot : board.slots) {
        if (const auto pid = slot.pid.load(); pid > 0) sum += os::resident_bytes(pid);
      }
      return sum;
    };
    return MemoryGate::Memory{.limit = *limit, .used = of_workers};
  }
  const auto group = os::MemoryGroup::find();
  if (!group) return std::nullopt;
  return MemoryGate::Memory{.limit = group->limit(), .used = [group] { return group->used(); }};
}

}  // namespace ace::http
