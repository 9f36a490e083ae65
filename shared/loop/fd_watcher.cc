#include "shared/loop/fd_watcher.h"

#include <memory>
#include <utility>

#include "shared/base/check.h"

namespace ace::loop {

FdWatcher::FdWatcher(Loop& loop, int fd, Callback callback) : callback_{std::move(callback)} {
  auto handle = std::make_unique<uv_poll_t>();
  ACE_CHECK(uv_poll_init(loop.raw(), handle.get(), fd) == 0, "an open descriptor can be polled");
  handle->data = this;
  handle_.reset(handle.release());
}

void FdWatcher::watch(bool readable, bool writable) {
  if (readable == readable_ && writable == writable_) return;
  readable_ = readable;
  writable_ = writable;
  if (!readable && !writable) {
    uv_poll_stop(handle_.get());
    return;
  }
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  uv_poll_start(handle_.get(), events, [](uv_poll_t* poll, int status, int ready) {
    static_cast<FdWatcher*>(poll->data)->on_poll(status, ready);
  });
}

void FdWatcher::on_poll(int status, int events) {
  const auto callback = callback_;  // a copy: it may destroy this watcher
  if (status < 0) {
    // libuv has stopped the handle by itself: remember it, so that watch() can start it again.
    readable_ = writable_ = false;
    callback({.readable = true, .writable = true, .failed = true});
    return;
  }
  callback({.readable = (events & UV_READABLE) != 0,
            .writable = (events & UV_WRITABLE) != 0,
            .failed = false});
}

}  // namespace ace::loop
