#include "coordinator/supervisor/process_api.h"

#include <fmt/format.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "coordinator/supervisor/worker_context.h"

namespace ace::supervisor {
namespace {

/// The signals that speak to the supervisor mean nothing to a worker: `pkill -HUP` by a pattern
/// that fits both must not end every stream.
void reset_dispositions() {
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) {
    if (signal != SIGPIPE) sigaction(signal, &action, nullptr);  // fails for SIGKILL: fine
  }
  action.sa_handler = SIG_IGN;
  for (const int signal : {SIGINT, SIGHUP, SIGUSR1, SIGUSR2, SIGTTIN, SIGTTOU}) {
    sigaction(signal, &action, nullptr);
  }
}

}  // namespace

bool ChildExit::is_clean() const { return WIFEXITED(status) && WEXITSTATUS(status) == 0; }

std::string ChildExit::describe() const {
  if (WIFEXITED(status) && WEXITSTATUS(status) == kExitIdTaken) {
    return "another living worker uses this id: give each host its own PROXY_HOST_NAME";
  }
  if (WIFEXITED(status)) return fmt::format("exit {}", WEXITSTATUS(status));
  if (!WIFSIGNALED(status)) return fmt::format("status {}", status);
  return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
}

Result<pid_t> PosixProcessApi::fork(const std::function<int()>& child) {
  std::fflush(nullptr);  // or the child prints what still waits in our buffers a second time
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t pid = ::fork();
  const int error_number = errno;
  if (pid == 0) {
    // A group of its own: Ctrl-C and `kill -- -group` reach the supervisor alone, which decides.
    setpgid(0, 0);
    reset_dispositions();
    sigprocmask(SIG_SETMASK, &child_mask_, nullptr);
    std::exit(child());
  }
  sigprocmask(SIG_SETMASK, &before, nullptr);
  if (pid < 0) return fail(Error::from_errno("fork", error_number));
  return pid;
}

void PosixProcessApi::kill(pid_t pid, int signal) { ::kill(pid, signal); }

std::optional<ChildExit> PosixProcessApi::reap() {
  ChildExit ended;
  do {
    // Any child: as process 1 of a container we inherit orphans, too.
    ended.pid = waitpid(-1, &ended.status, WNOHANG);
  } while (ended.pid < 0 && errno == EINTR);
  if (ended.pid <= 0) return std::nullopt;
  return ended;
}

}  // namespace ace::supervisor
