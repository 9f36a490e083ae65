#pragma once

#include <uv.h>

#include <functional>

#include "shared/loop/loop.h"

namespace ace::loop {

/// Calls back once in this turn of the loop, or in the next one, after every descriptor that was
/// ready has been handled: for work that must come behind media. Armed from within the callback it
/// calls again in the next turn, which does not wait.
class AfterPoll {
 public:
  AfterPoll(Loop& loop, std::function<void()> callback);
  AfterPoll(const AfterPoll&) = delete;
  AfterPoll& operator=(const AfterPoll&) = delete;

  void arm();

 private:
  void fire();

  std::function<void()> callback_;
  UvPtr<uv_check_t> check_;
  UvPtr<uv_idle_t> idle_;  ///< while it is active, libuv does not wait for descriptors
};

}  // namespace ace::loop
