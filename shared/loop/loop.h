#pragma once

#include <uv.h>

#include <functional>
#include <vector>

#include "shared/base/clock.h"
#include "shared/loop/uv_ptr.h"

namespace ace::loop {

/// One libuv loop. Make it after the fork, never before (a loop does not survive one). Single
/// threaded: every method is called from the loop's own thread. Must outlive all that uses it.
class Loop {
 public:
  Loop();
  /// Runs the close callbacks that are due, then demands that no handle is left: a leaked handle is
  /// a bug, named on stderr before the process dies.
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Until stop(), or until nothing is left to wait for.
  void run();
  /// One turn; waits for at least one event when `may_wait`.
  void run_once(bool may_wait);
  void stop();

  /// Runs `task` in the next turn, in order; what it holds ends before the next one runs. For
  /// answers that must not come while one asks, and to destroy what is on the stack.
  void post(std::function<void()> task);

  /// Forgets posted tasks that have not run: before what they hold or refer to is destroyed.
  void drop_posted();

  [[nodiscard]] uv_loop_t* raw() { return &loop_; }

 private:
  void run_posted();

  uv_loop_t loop_{};
  UvPtr<uv_idle_t> idle_;
  std::vector<std::function<void()>> posted_;
};

}  // namespace ace::loop
