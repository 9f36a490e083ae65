#pragma once

#include <functional>

#include "shared/loop/loop.h"

namespace ace::loop {

/// A signal as an event of the loop. Only in processes that never fork: with a watcher in the
/// parent, libuv 1.44 delivers a forked child's signals to the parent's callback as well.
class SignalWatcher {
 public:
  SignalWatcher(Loop& loop, int signal, std::function<void()> callback);
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  std::function<void()> callback_;
  UvPtr<uv_signal_t> handle_;
};

}  // namespace ace::loop
