#pragma once

#include <chrono>
#include <cstddef>
#include <random>
#include <string>
#include <vector>

#include "tests/e2e/stream/service.h"
#include "tests/stress/violations.h"

namespace ace::stress {

/// Viewers that stay, and viewers that zap, over all streams. One that is cut off comes back, as
/// players do; that is a violation unless the worker that served it had been killed.
class SoakCrowd {
 public:
  struct Size {
    unsigned streams{20};
    std::size_t staying{60};
    std::size_t zapping{20};
  };

  SoakCrowd(const test::Service& service, Size size, unsigned seed, Violations& violations);

  void run_for(std::chrono::milliseconds duration);
  /// Its viewers may be cut off from now on, and those that no worker has answered yet.
  void expect_loss(const std::string& worker);
  /// Engines and workers are well again: who stays must get media. Then all are judged, and go.
  void go_home();
  [[nodiscard]] std::size_t visits() const { return visits_; }
  [[nodiscard]] std::size_t cut_off() const { return cut_off_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Watcher {
    std::size_t viewer{};
    unsigned stream{};
    Time leaves{};
  };

  [[nodiscard]] Watcher come(unsigned stream, Time leaves);
  [[nodiscard]] Watcher zap();
  void look_after(std::vector<Watcher>& watchers, Time now);
  void judge_end(const Watcher& watcher);
  void judge_bytes(const Watcher& watcher);
  void judge_supply();

  test::Viewers viewers_;
  Size size_;
  std::mt19937 random_;
  Violations& violations_;
  std::vector<Watcher> staying_;
  std::vector<Watcher> zapping_;
  std::vector<std::string> lost_workers_;
  Time last_loss_{};
  std::size_t visits_{};
  std::size_t cut_off_{};
};

}  // namespace ace::stress
