#include "workers/streams/session/local_process.h"

#include <signal.h>

#include <cerrno>
#include <charconv>
#include <string_view>

namespace ace::streams {

bool is_dead_process_here(const proto::WorkerId& worker, const proto::WorkerId& self) {
  const auto split = worker.value.rfind(':');
  if (split == std::string::npos || split == 0) return false;
  const std::string_view mine{self.value};
  if (mine.substr(0, mine.rfind(':')) != std::string_view{worker.value}.substr(0, split)) {
    return false;
  }
  pid_t pid{};
  const char* const end = worker.value.data() + worker.value.size();
  const auto read = std::from_chars(worker.value.data() + split + 1, end, pid);
  if (read.ec != std::errc{} || read.ptr != end || pid <= 0) return false;
  return ::kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace ace::streams
