#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/supervisor/inheritance.h"
#include "coordinator/supervisor/process_api.h"
#include "shared/base/clock.h"

namespace ace::supervisor {

/// What this process was started as, and is to become once more.
struct Image {
  std::string program;  ///< absolute path; what lies there may be another file by now
  std::vector<std::string> arguments;
};

/// Absolute, but with its links as they are: a link that leads to another file is an upgrade, too.
[[nodiscard]] std::string path_of_this_program();

/// The new program is tried in a child before the supervisor becomes it: with the whole inheritance
/// and nothing to do but to say whether it can take over. Never waits.
class UpgradeTrial {
 public:
  static constexpr milliseconds kLimit{10'000};

  UpgradeTrial(ProcessApi& processes, const Clock& clock) : processes_{processes}, clock_{clock} {}

  [[nodiscard]] Status begin(const Image& image, const Inheritance& inheritance);
  [[nodiscard]] bool is_running() const { return pid_ != 0; }
  /// Readable when it says something; -1 when there is nothing to listen to.
  [[nodiscard]] int fd() const { return words_.get(); }
  void listen();
  /// @returns whether it was this child. Its verdict is there from now on.
  bool on_exit(const ChildExit& ended);
  /// In a worker, whom a trial does not concern.
  void close_in_child() { words_.reset(); }
  /// Nobody waits for it any more.
  void give_up();
  /// Ends a trial that takes too long.
  void mind_limit();
  /// Once after each trial: success, or why not.
  [[nodiscard]] std::optional<Status> take_verdict();

 private:
  [[nodiscard]] Status judge(const ChildExit& ended) const;
  void kill_all();

  ProcessApi& processes_;
  const Clock& clock_;
  pid_t pid_{};
  UniqueFd words_;
  std::string heard_;
  SteadyTime until_;
  bool is_too_late_{};
  std::optional<Status> verdict_;
};

/// In the child of a trial: says what `begin` waits for. @returns the exit code.
[[nodiscard]] int answer_trial(const Inheritance& inheritance);

/// Becomes the image, with the inheritance. Returns only when that failed, and all is as before.
[[nodiscard]] Error become(const Image& image, const Inheritance& inheritance);

}  // namespace ace::supervisor
