#include "coordinator/ownership/event_bus.h"

#include <utility>
#include <vector>

#include "proto/redis/redis_keys.h"
#include "shared/base/check.h"
#include "shared/log/log.h"

namespace ace::ownership {
namespace {

class SubscriberChannels final : public EventBus::Channels {
 public:
  SubscriberChannels(loop::Loop& loop, loop::TimerFactory& timers, const redis::Endpoint& endpoint,
                     redis::Deadlines deadlines, redis::Commands& commands,
                     redis::Subscriber::Listener& listener)
      : subscriber_{loop, timers, endpoint, deadlines, commands, listener} {}

  void subscribe(const std::string& channel) override { subscriber_.subscribe(channel); }
  void unsubscribe(const std::string& channel) override { subscriber_.unsubscribe(channel); }
  [[nodiscard]] redis::Hearing* hearing() override { return &subscriber_; }

 private:
  redis::Subscriber subscriber_;
};

}  // namespace

EventBus::EventBus(loop::Loop& loop, loop::TimerFactory& timers, const redis::Endpoint& endpoint,
                   redis::Deadlines deadlines, redis::Commands& commands,
                   redis::Commands& heartbeat)
    : EventBus{commands, [&](redis::Subscriber::Listener& listener) {
                 return std::make_unique<SubscriberChannels>(loop, timers, endpoint, deadlines,
                                                             heartbeat, listener);
               }} {}

EventBus::EventBus(redis::Commands& commands, const MakeChannels& make_channels)
    : commands_{commands}, channels_{make_channels(*this)} {}

EventBus::~EventBus() = default;

void EventBus::subscribe(const proto::StreamId& id, Listener& listener) {
  const auto channel = proto::StreamKeys{id}.events();
  const bool is_new = listeners_.emplace(channel, &listener).second;
  ACE_CHECK(is_new, "a stream has one listener in a worker");
  channels_->subscribe(channel);
}

void EventBus::unsubscribe(const proto::StreamId& id) {
  const auto channel = proto::StreamKeys{id}.events();
  if (listeners_.erase(channel) > 0) channels_->unsubscribe(channel);
}

void EventBus::watch(const std::string& channel, std::function<void()> on_news) {
  watches_[channel] = std::move(on_news);
  channels_->subscribe(channel);
}

void EventBus::publish(const proto::StreamId& id, const proto::Event& event) {
  commands_.command({"PUBLISH", proto::StreamKeys{id}.events(), proto::to_json(event)},
                    [](const Result<redis::Reply>&) {});
}

void EventBus::on_message(std::string_view channel, std::string_view payload) {
  if (const auto watch = watches_.find(channel); watch != watches_.end()) return watch->second();
  const auto listener = listeners_.find(channel);
  if (listener == listeners_.end()) return;  // unsubscribed, and Redis did not know it yet
  const auto event = proto::parse_event(payload);
  if (!event) {
    ++malformed_;
    log::debug("event_malformed", "channel={} why={:?}", channel, event.error().text);
    return;
  }
  if (*event) listener->second->on_event(**event);
}

void EventBus::on_messages_may_be_missing() {
  for (const auto& [channel, on_news] : watches_) on_news();
  std::vector<std::string> channels;
  for (const auto& [channel, listener] : listeners_) channels.push_back(channel);
  for (const auto& channel : channels) {  // whoever is told may unsubscribe others
    const auto listener = listeners_.find(channel);
    if (listener != listeners_.end()) listener->second->on_events_may_be_missing();
  }
}

}  // namespace ace::ownership
