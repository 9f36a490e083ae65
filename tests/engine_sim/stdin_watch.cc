#include "tests/engine_sim/stdin_watch.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace ace::sim {

StdinWatch::StdinWatch(loop::Loop& loop, std::function<void()> on_end)
    : on_end_{std::move(on_end)}, epoll_{::epoll_create1(EPOLL_CLOEXEC)} {
  // Behind an epoll descriptor of its own: libuv makes what it polls non-blocking, and a terminal
  // shares that flag with the shell and everything else that runs on it.
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, STDIN_FILENO, &wanted) != 0) {
    loop.post(std::exchange(on_end_, {}));
    return;
  }
  watcher_ =
      std::make_unique<loop::FdWatcher>(loop, epoll_.get(), [this](loop::FdEvents) { read(); });
  watcher_->watch(true, false);
}

void StdinWatch::read() {
  epoll_event ready{};
  if (::epoll_wait(epoll_.get(), &ready, 1, 0) != 1) return;  // somebody else took what was there
  std::array<char, 4096> ignored;
  const auto size = ::read(STDIN_FILENO, ignored.data(), ignored.size());
  if (size > 0 || (size < 0 && (errno == EINTR || errno == EAGAIN))) return;
  watcher_.reset();
  std::exchange(on_end_, {})();
}

}  // namespace ace::sim
