#include "shared/loop/fd_watcher.h"

#include <memory>
#include <utility>

#include "shared/base/check.h"

namespace ace::loop {

FdWatcher::FdWatcher(Loop& loop, int fd, Callback callback)
    : loop_{loop}, fd_{fd}, callback_{std::move(callback)} {}

void FdWatcher::open() {
  auto handle = std::make_unique<uv_poll_t>();
  ACE_CHECK(uv_poll_init(loop_.raw(), handle.get(), fd_) == 0, "an open descriptor can be polled");
  handle->data = this;
  handle_.reset(handle.release());
}

void FdWatcher::watch(bool readable, bool writable) {
  if (readable == readable_ && writable == writable_) return;
  readable_ = readable;
  writable_ = writable;
  if (!readable && !writable) {
    // Not only uv_poll_stop(): uv_close() takes the descriptor's number out of the epoll set once
    // more, whosever it is by then.
    handle_.reset();
    return;
  }
  if (!handle_) open();
  const int events = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
  uv_poll_start(handle_.get(), events, [](uv_poll_t* poll, int status, int ready) {
    static_cast<FdWatcher*>(poll->data)->on_poll(status, ready);
  });
}

void FdWatcher::on_poll(int status, int events) {
  const auto callback = callback_;  // a copy: it may destroy this watcher
  if (status < 0) {
    // libuv has stopped the handle by itself, and watch() may start it again.
    readable_ = writable_ = false;
    handle_.reset();
    callback({.readable = true, .writable = true, .failed = true});
    return;
  }
  callback({.readable = (events & UV_READABLE) != 0,
            .writable = (events & UV_WRITABLE) != 0,
            .failed = false});
}

}  // namespace ace::loop
