#include "coordinator/supervisor/signal_fd.h"

#include <sys/signalfd.h>

#include <cerrno>

namespace ace::supervisor {

Result<SignalFd> SignalFd::open(std::initializer_list<int> signals,
                                const std::optional<sigset_t>& mask_before) {
  sigset_t set;
  sigset_t before;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  if (sigprocmask(SIG_BLOCK, &set, &before) != 0) {
    return fail(Error::from_errno("sigprocmask", errno));
  }
  if (mask_before) before = *mask_before;
  UniqueFd fd{signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (!fd) {
    const int error_number = errno;
    sigprocmask(SIG_SETMASK, &before, nullptr);
    return fail(Error::from_errno("signalfd", error_number));
  }
  return SignalFd{std::move(fd), before};
}

SignalFd::~SignalFd() {
  if (fd_) sigprocmask(SIG_SETMASK, &before_, nullptr);
}

std::optional<int> SignalFd::next() const {
  signalfd_siginfo info{};
  if (read(fd_.get(), &info, sizeof info) != static_cast<ssize_t>(sizeof info)) return std::nullopt;
  return static_cast<int>(info.ssi_signo);
}

}  // namespace ace::supervisor
