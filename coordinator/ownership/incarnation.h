#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "shared/base/clock.h"
#include "shared/loop/timer.h"
#include "shared/redis/client.h"

namespace ace::ownership {

/// Notices that Redis has lost its memory (a restart, FLUSHALL): every owner key looks free then,
/// though the owners live. For a while after it only who holds a live engine session may claim its
/// stream; the others wait, or they would open second sessions. A worker that meets Redis for the
/// first time waits for nothing.
class Incarnation {
 public:
  struct Timing {
    std::chrono::milliseconds renew_every{2000};
    std::chrono::milliseconds ttl{60000};
    /// Longer than an owner's renewal takes to notice the loss, and to claim anew.
    std::chrono::milliseconds owners_first{3000};
  };

  /// References must outlive it.
  Incarnation(redis::Commands& commands, loop::TimerFactory& timers, const Clock& clock,
              Timing timing);
  ~Incarnation();
  Incarnation(const Incarnation&) = delete;
  Incarnation& operator=(const Incarnation&) = delete;

  /// Asks Redis whether somebody without a session may claim now. Yes, too, when Redis does not
  /// answer: the claim itself will tell. Called once, not at all when this is gone by then.
  void ask(std::function<void(bool may_claim)> callback);

 private:
  void on_answer(const Result<redis::Reply>& reply);
  [[nodiscard]] bool may_claim() const { return clock_.now() >= owners_first_until_; }

  redis::Commands& commands_;
  const Clock& clock_;
  Timing timing_;
  std::string known_;  ///< empty: Redis was never met
  SteadyTime owners_first_until_{};
  std::unique_ptr<loop::Timer> timer_;
  std::shared_ptr<Incarnation*> alive_;
};

}  // namespace ace::ownership
