#pragma once

#include <functional>

#include "shared/loop/loop.h"

namespace ace::loop {

/// What a descriptor is ready for. `failed` is an error or hang-up: read it to learn which.
struct FdEvents {
  bool readable{};
  bool writable{};
  bool failed{};
};

/// Tells when a descriptor that somebody else owns becomes readable or writable (level triggered).
/// Destroy or stop the watcher before the descriptor is closed or given away: a stopped one has
/// nothing to do with it any more. The callback may destroy the watcher. libuv reports a poll error
/// by stopping the handle and handing in a negative status (1.44: UV_EBADF for POLLERR); here that
/// is `failed`, together with readable and writable, so that the next read or write brings the real
/// errno to light.
class FdWatcher {
 public:
  using Callback = std::function<void(FdEvents)>;

  FdWatcher(Loop& loop, int fd, Callback callback);
  FdWatcher(const FdWatcher&) = delete;
  FdWatcher& operator=(const FdWatcher&) = delete;

  /// Replaces what is watched for; both false stops watching.
  void watch(bool readable, bool writable);

 private:
  void open();
  void on_poll(int status, int events);

  Loop& loop_;
  int fd_;
  Callback callback_;
  UvPtr<uv_poll_t> handle_;  ///< null while nothing is watched for
  bool readable_{};
  bool writable_{};
};

}  // namespace ace::loop
