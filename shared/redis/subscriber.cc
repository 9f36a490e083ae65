#include "shared/redis/subscriber.h"

#include <utility>

#include "shared/base/random_id.h"
#include "shared/redis/channel_set.h"
#include "shared/redis/hiredis_link.h"
#include "shared/redis/session.h"

namespace ace::redis {
namespace {

/// Beats that were published but not heard (or confirmations that did not come) before the
/// connection is given up: two half deadlines.
constexpr int kBeatsUntilDead = 2;

}  // namespace

struct Subscriber::Impl final : Session::Owner, std::enable_shared_from_this<Impl> {
  Impl(loop::TimerFactory& timers, Deadlines limits, Commands& commands_in, Listener& listener_in)
      : deadlines{limits},
        commands{commands_in},
        listener{&listener_in},
        control{"ace_proxy:subscriber:" + random_hex(8)},
        beat_timer{timers.make()} {
    channels.want(control);
  }

  void on_session_up() override;
  void on_session_down(const Error& why) override;
  void on_session_push(Reply message) override;

  void close();
  void perform(ChannelSet::Action action, const std::string& channel);
  void on_confirmed();
  void on_message(const std::string& channel, const std::string& payload);
  void on_beat();
  void publish_beat();
  [[nodiscard]] bool is_silent();

  const Deadlines deadlines;
  Commands& commands;
  Listener* listener;  // null once the subscriber is gone
  const std::string control;
  std::shared_ptr<Session> session;
  std::weak_ptr<HiredisLink> link;
  ChannelSet channels;
  bool is_restoring{};

  std::unique_ptr<loop::Timer> beat_timer;
  std::int64_t beat{};       // number of the last one published
  std::int64_t confirmed{};  // the last one that Redis says it has published
  std::int64_t heard{};
  int unheard_beats{};
  int unconfirmed_beats{};
  std::uint64_t beats_heard{};
  std::string why_deaf;
};

void Subscriber::Impl::close() {
  listener = nullptr;
  beat_timer.reset();
  session->close();
}

void Subscriber::Impl::on_session_up() {
  is_restoring = true;
  heard = confirmed = beat;
  unheard_beats = unconfirmed_beats = 0;
  for (const auto& channel : channels.connected()) {
    perform(ChannelSet::Action::Subscribe, channel);
  }
  beat_timer->every(deadlines.command / kBeatsUntilDead, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_beat();
  });
}

void Subscriber::Impl::on_session_down(const Error& why) {
  why_deaf = why.text;
  beat_timer->stop();
  channels.disconnected();
}

void Subscriber::Impl::perform(ChannelSet::Action action, const std::string& channel) {
  const auto open = link.lock();
  if (!open) return;
  switch (action) {
    case ChannelSet::Action::None:
      return;
    case ChannelSet::Action::Subscribe:
      return open->subscribe(channel);
    case ChannelSet::Action::Unsubscribe:
      return open->unsubscribe(channel);
  }
}

void Subscriber::Impl::on_session_push(Reply message) {
  const auto self = shared_from_this();
  if (message.elements.size() != 3) return;
  const auto& word = message.elements[0].text;
  const auto& channel = message.elements[1].text;
  if (word == "message") return on_message(channel, message.elements[2].text);
  if (word == "subscribe") perform(channels.subscribed(channel), channel);
  if (word == "unsubscribe") perform(channels.unsubscribed(channel), channel);
  on_confirmed();
}

void Subscriber::Impl::on_confirmed() {
  unconfirmed_beats = 0;
  if (!is_restoring || channels.unconfirmed() != 0) return;
  is_restoring = false;
  publish_beat();
  if (listener != nullptr) listener->on_messages_may_be_missing();
}

void Subscriber::Impl::on_message(const std::string& channel, const std::string& payload) {
  if (channel == control) {
    const Reply text{.kind = Reply::Kind::String, .integer = 0, .text = payload, .elements = {}};
    heard = text.as_integer().value_or(heard);
    ++beats_heard;
    why_deaf.clear();
    return;
  }
  if (listener != nullptr && channels.is_wanted(channel)) listener->on_message(channel, payload);
}

void Subscriber::Impl::on_beat() {
  if (is_silent()) {
    return session->give_up({Errc::Timeout, "the subscription does not hear its own heartbeat"});
  }
  publish_beat();
}

bool Subscriber::Impl::is_silent() {
  unconfirmed_beats = channels.unconfirmed() == 0 ? 0 : unconfirmed_beats + 1;
  unheard_beats = confirmed > heard ? unheard_beats + 1 : 0;
  return unheard_beats >= kBeatsUntilDead || unconfirmed_beats > kBeatsUntilDead;
}

void Subscriber::Impl::publish_beat() {
  if (!commands.is_up()) return;  // then its silence says nothing about this connection
  ++beat;
  commands.command({"PUBLISH", control, std::to_string(beat)},
                   [weak = weak_from_this(), number = beat](const Result<Reply>& published) {
                     const auto self = weak.lock();
                     if (self && published) self->confirmed = number;
                   });
}

Subscriber::Subscriber(loop::Loop& loop, loop::TimerFactory& timers, Endpoint endpoint,
                       Deadlines deadlines, Commands& commands, Listener& listener)
    : impl_{std::make_shared<Impl>(timers, deadlines, commands, listener)} {
  const auto open = [&loop, weak = std::weak_ptr{impl_}](
                        const Address& address,
                        Link::Listener& heard) -> Result<std::shared_ptr<Link>> {
    auto link = HiredisLink::open(loop, address, heard);
    const auto self = weak.lock();
    if (self && link) self->link = *link;
    return link;
  };
  impl_->session = std::make_shared<Session>(Session::Options{.loop = loop,
                                                              .timers = timers,
                                                              .endpoint = std::move(endpoint),
                                                              .deadlines = deadlines,
                                                              .idle = Session::Idle::LeaveAlone,
                                                              .patience = Session::Patience::Strict,
                                                              .role = "subscriber"},
                                             open, *impl_);
  impl_->session->start();
}

Subscriber::~Subscriber() { impl_->close(); }

void Subscriber::subscribe(const std::string& channel) {
  impl_->perform(impl_->channels.want(channel), channel);
}

void Subscriber::speak() {
  if (impl_->session->is_up() && !impl_->is_restoring) impl_->publish_beat();
}

std::uint64_t Subscriber::beats_heard() const { return impl_->beats_heard; }

std::string Subscriber::why_deaf() const { return impl_->why_deaf; }

void Subscriber::unsubscribe(const std::string& channel) {
  if (channel != impl_->control) impl_->perform(impl_->channels.unwant(channel), channel);
}

}  // namespace ace::redis
