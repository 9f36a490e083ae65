#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/ownership/trial_findings.h"
#include "proto/ids.h"
#include "shared/loop/timer.h"
#include "shared/redis/chunk_connection.h"
#include "shared/redis/client.h"
#include "shared/redis/subscriber.h"

namespace ace::ownership {

/// Decides whether Redis is up: it does what a worker needs, with the worker's own rights. Owns the
/// connections, tries everything in one go (runs a script that calls every command, writes and
/// reads a value, publishes and hears it) when they are there and every few seconds, and lets
/// commands through only while the last trial went well.
class RedisGate {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// Once per change. Commands are accepted from within.
    virtual void on_redis_up() = 0;
    /// Once per change, for a first attempt that fails, and when a trial finds another reason.
    virtual void on_redis_down(const RedisUnfitness& why) = 0;
  };
  struct Timing {
    std::chrono::milliseconds try_every{2000};
    std::chrono::milliseconds try_again{500};  ///< after a trial that failed
  };

  /// Begins to connect. All references must outlive the gate.
  RedisGate(loop::Loop& loop, loop::TimerFactory& timers, const redis::Endpoint& endpoint,
            redis::Deadlines deadlines, const proto::WorkerId& worker, Listener& listener);
  RedisGate(loop::Loop& loop, loop::TimerFactory& timers, const redis::Endpoint& endpoint,
            redis::Deadlines deadlines, const proto::WorkerId& worker, Listener& listener,
            Timing timing);
  ~RedisGate();
  RedisGate(const RedisGate&) = delete;
  RedisGate& operator=(const RedisGate&) = delete;

  /// Who tells whether publications are heard; null: nobody, and that is not asked. Before the loop
  /// runs.
  void listen_by(redis::Hearing* hearing);

  /// Closed while Redis is not up: commands fail with Unavailable, and is_up() is false.
  [[nodiscard]] redis::Commands& commands();
  [[nodiscard]] redis::ChunkPipe& chunks();
  /// The command connection whatever the trial says, for what belongs to the trial.
  [[nodiscard]] redis::Commands& ungated();

  [[nodiscard]] bool is_up() const;
  /// Nothing while it is up, or not known yet.
  [[nodiscard]] const std::optional<RedisUnfitness>& unfitness() const;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ace::ownership
