#include "tests/support/process/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "tests/support/process/wait_until.h"

namespace ace::test {
namespace {

bool configures_a_proxy(std::string_view entry) {
  constexpr std::array<std::string_view, 6> kPrefixes{"PROXY_",  "ACE_",       "REDIS_",
                                                      "LISTEN_", "NOTIFY_SOC", "WATCHDOG_"};
  return std::ranges::any_of(kPrefixes, [&](auto prefix) { return entry.starts_with(prefix); });
}

std::vector<std::string> environment_with(const std::map<std::string, std::string>& added) {
  std::vector<std::string> entries;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text{*entry};
    const auto name = std::string{text.substr(0, text.find('='))};
    if (!configures_a_proxy(text) && !added.contains(name)) entries.emplace_back(text);
  }
  for (const auto& [name, value] : added) entries.push_back(name + "=" + value);
  return entries;
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (auto& text : texts) pointers.push_back(text.data());
  pointers.push_back(nullptr);
  return pointers;
}

UniqueFd open_or_throw(const char* path, int flags) {
  UniqueFd fd{::open(path, flags | O_CLOEXEC, 0600)};
  if (!fd) throw std::runtime_error{std::string{"cannot open "} + path};
  return fd;
}

std::array<UniqueFd, 2> make_pipe() {
  std::array<int, 2> fds{};
  if (::pipe2(fds.data(), O_CLOEXEC) != 0) throw std::runtime_error{"pipe2 failed"};
  return {UniqueFd{fds[0]}, UniqueFd{fds[1]}};
}

/// Between fork and exec: async-signal-safe calls only. Tells `report` the errno of a failure.
[[noreturn]] void become(pid_t parent, int input, int output, int report, char* const* arguments,
                         char* const* environment) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(127);  // it died before the line above
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::dup2(input, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  ::execve(arguments[0], arguments, environment);
  const int why = errno;
  const auto told = ::write(report, &why, sizeof why);
  ::_exit(told == sizeof why ? 127 : 126);
}

}  // namespace

ChildProcess::ChildProcess(std::string name, const std::string& program,
                           const ChildOptions& options)
    : name_{std::move(name)}, log_path_{dir_.file("log")} {
  std::vector<std::string> arguments{program};
  arguments.insert(arguments.end(), options.arguments.begin(), options.arguments.end());
  auto environment = environment_with(options.environment);
  const auto argument_pointers = pointers_to(arguments);
  const auto environment_pointers = pointers_to(environment);
  const UniqueFd log = open_or_throw(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND);
  UniqueFd input;
  if (options.hold_stdin) {
    auto [read_end, write_end] = make_pipe();
    input = std::move(read_end);
    stdin_ = std::move(write_end);
  } else {
    input = open_or_throw("/dev/null", O_RDONLY);
  }
  auto report = make_pipe();
  const pid_t parent = ::getpid();
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error{"fork failed"};
  if (pid_ == 0) {
    become(parent, input.get(), log.get(), report[1].get(), argument_pointers.data(),
           environment_pointers.data());
  }
  ::setpgid(pid_, pid_);  // both sides do it: whoever comes first
  pidfd_.reset(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  report[1].reset();
  int why = 0;
  if (::read(report[0].get(), &why, sizeof why) == sizeof why) {
    ::waitpid(pid_, nullptr, 0);
    throw std::runtime_error{"cannot run " + program + ": " + std::strerror(why)};
  }
}

ChildProcess::~ChildProcess() {
  const bool was_alive = is_alive();
  ::kill(-pid_, SIGKILL);  // the group: also what the process has left behind
  ::waitpid(pid_, nullptr, 0);
  const bool crashed = !was_alive && exit_ && exit_->signal != 0 && exit_->signal != SIGKILL &&
                       exit_->signal != SIGTERM;
  if (std::uncaught_exceptions() > 0 || crashed) {
    std::fprintf(stderr, "---- log of %s (pid %d)\n%s---- end of log\n", name_.c_str(), pid_,
                 log().c_str());
  }
}

void ChildProcess::look() {
  if (exit_) return;
  // It is left to be reaped: its number is its group's, which the end of this object kills, and may
  // be somebody else's as soon as it is free.
  siginfo_t ended{};
  ::waitid(P_PID, static_cast<id_t>(pid_), &ended, WEXITED | WNOHANG | WNOWAIT);
  if (ended.si_pid != pid_) return;
  exit_ = ended.si_code == CLD_EXITED ? Exit{.code = ended.si_status, .signal = 0}
                                      : Exit{.code = -1, .signal = ended.si_status};
}

bool ChildProcess::is_alive() {
  look();
  return !exit_;
}

void ChildProcess::signal(int number) const { ::kill(pid_, number); }

std::optional<Exit> ChildProcess::wait(std::chrono::milliseconds timeout) {
  if (!exit_) {
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN, .revents = 0};
    ::poll(&ended, 1, static_cast<int>(timeout.count()));
    look();
  }
  return exit_;
}

std::optional<Exit> ChildProcess::terminate(std::chrono::milliseconds timeout) {
  signal(SIGTERM);
  return wait(timeout);
}

}  // namespace ace::test
