#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "proto/ids.h"
#include "proto/redis/fields.h"
#include "shared/base/clock.h"
#include "shared/loop/timer.h"
#include "shared/redis/client.h"

namespace ace::ownership {

/// renew_every < judge_after < ttl: a live process has renewed its key before it is judged dead.
struct PresenceTiming {
  std::chrono::milliseconds ttl{6000};
  std::chrono::milliseconds renew_every{2000};
  /// How often, and for how long, a key of another process with this worker's id is looked at.
  std::chrono::milliseconds look_every{1000};
  std::chrono::milliseconds judge_after{4500};
};

/// This worker's sign of life in Redis. Its clients count while it is there, and no two living
/// processes have one id: containers share host names and pids. A random token tells whose the key
/// is; all ids together stand in a set. A stranger's token that is not renewed is of a process that
/// died before this one got its pid again: the key is taken over. One that is renewed is alive.
class WorkerPresence {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// The id is this worker's, or Redis cannot tell. Once.
    virtual void on_presence_settled() = 0;
    /// Another process lives under this id. Once; nothing is written any more.
    virtual void on_id_taken() = 0;
    /// The key was gone: others took this worker for dead, and its clients for gone.
    virtual void on_presence_lost() = 0;
    /// What people may want to read there.
    [[nodiscard]] virtual proto::Fields presence_figures() const = 0;
  };

  /// References must outlive it.
  WorkerPresence(proto::WorkerId self, redis::Commands& commands, loop::TimerFactory& timers,
                 const Clock& clock, PresenceTiming timing, Listener& listener);
  ~WorkerPresence();
  WorkerPresence(const WorkerPresence&) = delete;
  WorkerPresence& operator=(const WorkerPresence&) = delete;

  void on_redis_up();
  /// The key is another process's, and it is not known yet whether that one lives: do not begin.
  [[nodiscard]] bool is_in_doubt() const { return !rival_.empty(); }
  /// The worker ends: its key goes with it. `done` is called when Redis has answered, or cannot.
  void leave(std::function<void()> done);
  /// Says that another worker is dead: its key need not run out.
  void bury(const proto::WorkerId& dead);

 private:
  void tell(const std::string& replacing);
  void on_answer(const Result<redis::Reply>& reply);
  void on_rival(std::string rival);
  void settle();

  proto::WorkerId self_;
  redis::Commands& commands_;
  const Clock& clock_;
  PresenceTiming timing_;
  Listener& listener_;
  std::string token_;
  std::string rival_;  ///< the other process's token and its count of renewals
  SteadyTime rival_since_{};
  std::unique_ptr<loop::Timer> timer_;
  bool is_settled_{};
  bool is_there_{};  ///< the key was written, since Redis is up
  bool is_over_{};
  std::shared_ptr<WorkerPresence*> alive_;
};

}  // namespace ace::ownership
