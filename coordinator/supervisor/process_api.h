#pragma once

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <optional>
#include <string>

#include "shared/base/result.h"

namespace ace::supervisor {

/// How a child ended, as waitpid tells it.
struct ChildExit {
  pid_t pid{};
  int status{};

  [[nodiscard]] bool is_clean() const;
  /// "exit 1", "signal 11 (Segmentation fault)"
  [[nodiscard]] std::string describe() const;
};

/// What the supervisor asks of the operating system about processes; tests script it.
class ProcessApi {
 public:
  virtual ~ProcessApi() = default;
  /// Runs `child` in a new process, which ends with its result. @returns the child's pid.
  [[nodiscard]] virtual Result<pid_t> fork(const std::function<int()>& child) = 0;
  virtual void kill(pid_t pid, int signal) = 0;
  /// One child that has ended and was not told yet; never waits.
  [[nodiscard]] virtual std::optional<ChildExit> reap() = 0;
};

class PosixProcessApi final : public ProcessApi {
 public:
  /// @param child_mask the signal mask that children run with: the one from before the supervisor
  /// blocked its signals. A child that kept the blocked mask would ignore SIGTERM for ever.
  explicit PosixProcessApi(const sigset_t& child_mask) : child_mask_{child_mask} {}

  /// All signals are blocked around the fork, so that none finds the child half made. The child is
  /// a process group of its own, has default dispositions but for a broken pipe and the signals
  /// that are the supervisor's (ignored), and leaves through exit(), so that leak checks run.
  [[nodiscard]] Result<pid_t> fork(const std::function<int()>& child) override;
  void kill(pid_t pid, int signal) override;
  [[nodiscard]] std::optional<ChildExit> reap() override;

 private:
  sigset_t child_mask_;
};

}  // namespace ace::supervisor
