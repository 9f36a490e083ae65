#pragma once

#include <functional>
#include <memory>

#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"

namespace ace::sim {

/// Tells when standard input ends: whoever holds its other end has closed it or died. What is
/// written to it is thrown away. Input that cannot be waited for (a file, /dev/null, none at all)
/// has ended. Must exist before other descriptors are opened when descriptor 0 may be closed.
class StdinWatch {
 public:
  /// `on_end` is called once, never before the constructor has returned.
  StdinWatch(loop::Loop& loop, std::function<void()> on_end);
  StdinWatch(const StdinWatch&) = delete;
  StdinWatch& operator=(const StdinWatch&) = delete;

 private:
  void read();

  std::function<void()> on_end_;
  UniqueFd epoll_;
  std::unique_ptr<loop::FdWatcher> watcher_;
};

}  // namespace ace::sim
