#pragma once

#include <csignal>
#include <initializer_list>
#include <optional>

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"

namespace ace::supervisor {

/// Signals as messages on a descriptor: blocked from now on, read when it is convenient. The old
/// mask comes back at the end.
class SignalFd {
 public:
  /// @param mask_before the mask to restore, for who inherited a blocked one; nothing: the one that
  /// holds now. System when the kernel refuses.
  [[nodiscard]] static Result<SignalFd> open(std::initializer_list<int> signals,
                                             const std::optional<sigset_t>& mask_before = {});
  ~SignalFd();
  SignalFd(SignalFd&&) noexcept = default;
  SignalFd& operator=(SignalFd&&) = delete;
  SignalFd(const SignalFd&) = delete;
  SignalFd& operator=(const SignalFd&) = delete;

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const sigset_t& mask_before() const { return before_; }
  /// The next signal that came; never waits.
  [[nodiscard]] std::optional<int> next() const;
  /// In a child, which must not read its parent's signals.
  void close_in_child() { fd_.reset(); }

 private:
  SignalFd(UniqueFd fd, const sigset_t& before) : fd_{std::move(fd)}, before_{before} {}

  UniqueFd fd_;
  sigset_t before_;
};

}  // namespace ace::supervisor
