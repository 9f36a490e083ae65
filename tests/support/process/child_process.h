#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/unique_fd.h"
#include "tests/support/process/temp_dir.h"

namespace ace::test {

struct ChildOptions {
  std::vector<std::string> arguments{};
  /// Added to this process's environment, less what configures a proxy (PROXY_*, ACE_*, REDIS_*,
  /// systemd's): a developer's shell must not decide what a test sees.
  std::map<std::string, std::string> environment{};
  /// Its standard input is a pipe that stays open as long as this object (and this process) lives;
  /// otherwise /dev/null.
  bool hold_stdin{false};
};

/// How a process ended.
struct Exit {
  int code{-1};   ///< exit code, -1 when a signal ended it
  int signal{0};  ///< the signal that ended it, or 0
};

/// One process in a process group of its own, its output in a log file. Destroying the object kills
/// the whole group; the kernel kills the process when the test itself dies. The log is shown on
/// standard error when a test fails by an exception (REQUIRE) or the process crashed.
class ChildProcess {
 public:
  /// Throws when the program cannot be executed.
  ChildProcess(std::string name, const std::string& program, const ChildOptions& options);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] bool is_alive();
  void signal(int number) const;
  /// Waits for its end; nothing when it still lives after `timeout`.
  [[nodiscard]] std::optional<Exit> wait(std::chrono::milliseconds timeout);
  /// SIGTERM, then wait(). The way to end a process whose leaks a sanitizer shall report.
  [[nodiscard]] std::optional<Exit> terminate(std::chrono::milliseconds timeout);
  /// Ends the input of a process that was started with `hold_stdin`.
  void close_stdin() { stdin_.reset(); }
  [[nodiscard]] std::string log() const { return read_text_file(log_path_); }

 private:
  void look();

  std::string name_;
  TempDir dir_;
  std::string log_path_;
  UniqueFd stdin_;
  UniqueFd pidfd_;
  pid_t pid_{-1};
  std::optional<Exit> exit_;
};

}  // namespace ace::test
