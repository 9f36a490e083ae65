#pragma once

#include <cstddef>
#include <memory>

#include "shared/loop/loop.h"
#include "shared/loop/timer.h"

namespace ace::curl {

class MultiState;
class Transfer;

/// libcurl's multi interface on a worker's loop: one per worker, for all it asks of engines. Must
/// outlive every Transfer. Host names are resolved on a thread of libcurl's, never on the loop.
class Multi {
 public:
  /// `loop` and `timers` must outlive it.
  Multi(loop::Loop& loop, loop::TimerFactory& timers);
  /// Drops the kept jobs (without a callback), then demands that no transfer is left.
  ~Multi();
  Multi(const Multi&) = delete;
  Multi& operator=(const Multi&) = delete;

  /// Owns work that outlives who asked for it (a stop command), until drop() or the multi's end.
  void keep(std::shared_ptr<void> job);
  void drop(const void* job);
  /// How many jobs are under way: what an orderly end waits for, within its own limit.
  [[nodiscard]] std::size_t kept() const;

  [[nodiscard]] loop::Loop& loop() const;

 private:
  friend class Transfer;

  std::shared_ptr<MultiState> state_;
};

}  // namespace ace::curl
