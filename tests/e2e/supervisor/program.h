#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "shared/base/unique_fd.h"

namespace ace::test {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

/// Asks again and again until it is so; false when it was not so within the limit.
bool eventually(const std::function<bool()>& is_so, milliseconds limit = 20s);

/// A folder of this test alone, removed with all that is in it.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_{"/tmp/ace-supervisor-XXXXXX"};
};

void write_file(const std::string& path, const std::string& text);
std::string read_file(const std::string& path);
bool exists(const std::string& path);
/// Connects to "host:port" or "unix:/path", and reads until the end; empty when it cannot.
std::string ask(const std::string& address);

/// What the service tells systemd.
class NotifySocket {
 public:
  explicit NotifySocket(std::string path);
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Waits for a message that begins with `state`; others before it are dropped.
  bool hears(const std::string& state, milliseconds limit = 20s);

 private:
  std::string path_;
  UniqueFd fd_;
};

/// The supervisor with its workers, as a process tree of its own. What is left of it is killed at
/// the end; its orphans become ours, so that none can hide.
class Program {
 public:
  struct Setup {
    std::vector<std::string> arguments;
    std::map<std::string, std::string> environment;
    std::vector<int> listen_fds{};  ///< handed over as systemd would
    std::string program{};          ///< empty: where the build has put it
  };
  explicit Program(const Setup& setup);
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] std::set<pid_t> workers() const;
  void signal(int number) const;
  /// The exit code, 128 + number for a signal; nothing when it still runs after the limit.
  std::optional<int> exit_code(milliseconds limit = 20s);
  /// What it has written to standard error.
  std::string errors();

 private:
  pid_t pid_{};
  std::optional<int> ended_;
  UniqueFd errors_;
};

/// Whether a process of ours or an orphan that became ours has ended within the limit.
bool has_ended(pid_t pid, milliseconds limit = 20s);

}  // namespace ace::test
