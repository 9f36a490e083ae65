#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "shared/loop/timer.h"
#include "shared/redis/client.h"
#include "shared/redis/endpoint.h"

namespace ace::redis {

/// The pub/sub connection. It always keeps one control channel of its own (hiredis 0.14 aborts on
/// an UNSUBSCRIBE of what is not subscribed), unsubscribes one channel per command and only what is
/// confirmed, and proves itself alive by hearing its own heartbeat, which it publishes on the
/// command connection. Messages are hints: any may be lost.
class Subscriber {
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
  ~Subscriber();
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;

  /// Wanted from now on, over reconnections too, until unsubscribe(). Both are idempotent.
  void subscribe(const std::string& channel);
  void unsubscribe(const std::string& channel);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ace::redis
