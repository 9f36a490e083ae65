#include "shared/os/process_tuning.h"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <csignal>

namespace ace::os {

std::uint64_t raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  const auto before = limit.rlim_cur;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return before;
  return limit.rlim_cur;
}

void set_process_name(const std::string& name) { prctl(PR_SET_NAME, name.c_str(), 0, 0, 0); }

void ignore_broken_pipes() {
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &action, nullptr);
}

}  // namespace ace::os
