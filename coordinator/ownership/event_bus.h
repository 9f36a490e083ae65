#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "proto/ids.h"
#include "proto/redis/event.h"
#include "shared/redis/subscriber.h"

namespace ace::ownership {

/// The events of the streams a worker cares for, typed. All are hints and may be lost; whoever
/// listens asks Redis itself as well, now and then.
class EventBus final : public redis::Subscriber::Listener {
 public:
  /// One stream's. It may unsubscribe itself, or others, from within.
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_event(const proto::Event& event) = 0;
    /// The connection is new: read what the events would have told.
    virtual void on_events_may_be_missing() = 0;
  };

  /// Where channels are subscribed to: redis::Subscriber, or a test.
  class Channels {
   public:
    virtual ~Channels() = default;
    virtual void subscribe(const std::string& channel) = 0;
    virtual void unsubscribe(const std::string& channel) = 0;
    /// Null: nobody can tell.
    [[nodiscard]] virtual redis::Hearing* hearing() { return nullptr; }
  };
  using MakeChannels = std::function<std::unique_ptr<Channels>(redis::Subscriber::Listener&)>;

  /// With a pub/sub connection of its own, whose heartbeats go through `heartbeat`; references must
  /// outlive the bus.
  EventBus(loop::Loop& loop, loop::TimerFactory& timers, const redis::Endpoint& endpoint,
           redis::Deadlines deadlines, redis::Commands& commands, redis::Commands& heartbeat);
  EventBus(redis::Commands& commands, const MakeChannels& make_channels);
  ~EventBus() override;
  EventBus(const EventBus&) = delete;
  EventBus& operator=(const EventBus&) = delete;

  /// One listener a stream; it must unsubscribe before it dies.
  void subscribe(const proto::StreamId& id, Listener& listener);
  void unsubscribe(const proto::StreamId& id);
  /// A channel that is no stream's: `on_news` is called with every message there, whatever it says,
  /// and when some may be missing. For as long as the bus lives.
  void watch(const std::string& channel, std::function<void()> on_news);
  /// For events that no script publishes (stream_started); lost when Redis is away.
  void publish(const proto::StreamId& id, const proto::Event& event);

  [[nodiscard]] redis::Hearing* hearing() { return channels_->hearing(); }
  /// Messages on our channels that were no events.
  [[nodiscard]] std::uint64_t malformed() const { return malformed_; }

 private:
  void on_message(std::string_view channel, std::string_view payload) override;
  void on_messages_may_be_missing() override;

  redis::Commands& commands_;
  std::map<std::string, Listener*, std::less<>> listeners_;            ///< by channel
  std::map<std::string, std::function<void()>, std::less<>> watches_;  ///< by channel
  std::uint64_t malformed_{};
  std::unique_ptr<Channels> channels_;
};

}  // namespace ace::ownership
