#include "shared/loop/signal_watcher.h"

#include <memory>
#include <utility>

#include "shared/base/check.h"

namespace ace::loop {

SignalWatcher::SignalWatcher(Loop& loop, int signal, std::function<void()> callback)
    : callback_{std::move(callback)} {
  auto handle = std::make_unique<uv_signal_t>();
  uv_signal_init(loop.raw(), handle.get());
  handle->data = this;
  handle_.reset(handle.release());
  const auto on_signal = [](uv_signal_t* watched, int) {
    const auto copy = static_cast<SignalWatcher*>(watched->data)->callback_;
    copy();
  };
  ACE_CHECK(uv_signal_start(handle_.get(), on_signal, signal) == 0, "a signal can be watched");
}

}  // namespace ace::loop
