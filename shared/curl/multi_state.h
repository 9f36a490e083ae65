#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "shared/loop/fd_watcher.h"
#include "shared/loop/timer.h"

namespace ace::curl {

class TransferState;

/// What Multi and its transfers share. libcurl refuses nearly every call from inside its own
/// callbacks, so additions and removals asked for in there wait until libcurl has returned.
/// libcurl holds its address: not movable.
class MultiState {
 public:
  MultiState(loop::Loop& loop, loop::TimerFactory& timers);
  ~MultiState();
  MultiState(const MultiState&) = delete;
  MultiState& operator=(const MultiState&) = delete;

  void add(std::shared_ptr<TransferState> transfer);
  void remove(const std::shared_ptr<TransferState>& transfer);
  /// `call` is one that may run transfer callbacks; what those deferred and what has ended is seen
  /// to afterwards.
  void run(const std::function<void(CURLM*)>& call);

  /// libcurl is on the stack: it takes no calls now.
  [[nodiscard]] bool is_running() const { return depth_ > 0; }

  [[nodiscard]] loop::Loop& loop() { return loop_; }

  std::unordered_map<const void*, std::shared_ptr<void>> jobs;

 private:
  struct Watched {
    int wanted{};  // CURL_POLL_*
    std::unique_ptr<loop::FdWatcher> watcher;
  };
  struct Cleanup {
    void operator()(CURLM* multi) const noexcept { curl_multi_cleanup(multi); }
  };

  static int on_socket(CURL* easy, curl_socket_t fd, int what, void* user, void*) noexcept;
  static int on_timer(CURLM*, long timeout_ms, void* user) noexcept;
  void watch(int fd, int what);
  void on_ready(int fd, loop::FdEvents events);
  void settle();
  void finish_done();

  loop::Loop& loop_;
  std::unique_ptr<loop::Timer> timer_;
  std::unordered_map<int, Watched> sockets_;
  std::unordered_set<const TransferState*> active_;
  std::vector<std::shared_ptr<TransferState>> additions_;
  std::vector<std::shared_ptr<TransferState>> removals_;
  int depth_{};  // how deep in calls that run transfer callbacks
  std::unique_ptr<CURLM, Cleanup> multi_;
};

}  // namespace ace::curl
