#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "shared/loop/timer.h"
#include "shared/redis/client.h"
#include "shared/redis/endpoint.h"

namespace ace::redis {

/// Whether what is published is heard.
class Hearing {
 public:
  virtual ~Hearing() = default;
  /// Publishes a heartbeat now, without waiting for its time.
  virtual void speak() = 0;
  /// Own heartbeats that were heard: while this grows, what is published is heard.
  [[nodiscard]] virtual std::uint64_t beats_heard() const = 0;
  /// Why nothing is heard, as far as the connection knows; empty: it does not.
  [[nodiscard]] virtual std::string why_deaf() const = 0;
};

/// The pub/sub connection. It always keeps one control channel of its own (hiredis 0.14 aborts on
/// an UNSUBSCRIBE of what is not subscribed), unsubscribes one channel per command and only what is
/// confirmed, and proves itself alive by hearing its own heartbeat, which it publishes on
/// `commands`. Messages are hints: any may be lost.
class Subscriber final : public Hearing {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_message(std::string_view channel, std::string_view payload) = 0;
    /// The connection is new: everything said since the last message may have been missed. Every
    /// wanted channel is subscribed again by then.
    virtual void on_messages_may_be_missing() = 0;
  };

  Subscriber(loop::Loop& loop, loop::TimerFactory& timers, Endpoint endpoint, Deadlines deadlines,
             Commands& commands, Listener& listener);
  ~Subscriber() override;
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  /// Wanted from now on, over reconnections too, until unsubscribe(). Both are idempotent.
  void subscribe(const std::string& channel);
  void unsubscribe(const std::string& channel);

  void speak() override;
  [[nodiscard]] std::uint64_t beats_heard() const override;
  [[nodiscard]] std::string why_deaf() const override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ace::redis
