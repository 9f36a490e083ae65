#include "workers/streams/session/local_process.h"

#include <signal.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <optional>
#include <string_view>

namespace ace::streams {
namespace {

/// Nothing for another host's.
std::optional<pid_t> pid_here(const proto::WorkerId& worker, const proto::WorkerId& self) {
  const auto split = worker.value.rfind(':');
  if (split == std::string::npos || split == 0) return std::nullopt;
  const std::string_view mine{self.value};
  if (mine.substr(0, mine.rfind(':')) != std::string_view{worker.value}.substr(0, split)) {
    return std::nullopt;
  }
  pid_t pid{};
  const char* const end = worker.value.data() + worker.value.size();
  const auto read = std::from_chars(worker.value.data() + split + 1, end, pid);
  if (read.ec != std::errc{} || read.ptr != end || pid <= 0) return std::nullopt;
  return pid;
}

}  // namespace

bool is_dead_process_here(const proto::WorkerId& worker, const proto::WorkerId& self) {
  const auto pid = pid_here(worker, self);
  return pid && ::kill(*pid, 0) != 0 && errno == ESRCH;
}

bool is_worker_here(const proto::WorkerId& worker, const proto::WorkerId& self,
                    const host::Scoreboard& board) {
  const auto pid = pid_here(worker, self);
  return pid && std::ranges::any_of(board.slots, [&](const host::SlotBoard& slot) {
           return slot.pid.load(std::memory_order_relaxed) == *pid;
         });
}

}  // namespace ace::streams
