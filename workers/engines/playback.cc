#include "workers/engines/playback.h"

#include <fmt/format.h>

#include <utility>

namespace ace::engines {

Playback::Playback(curl::Multi& multi, loop::TimerFactory& timers, const EngineAddress& engine,
                   std::string url, SessionTimeouts limits, Listener& listener)
    : multi_{multi},
      listener_{listener},
      limits_{limits},
      url_{std::move(url)},
      trail_{engine},
      first_byte_{timers.make()} {
  first_byte_->once(limits_.first_byte, [this] {  // a member: it cannot fire after this object
    listener_.on_playback_failed(
        {Errc::Timeout, fmt::format("{}: nothing in {} ms", phase_name(transfer_->phase()),
                                    limits_.first_byte.count())});
  });
  open();
}

void Playback::open() {
  transfer_ = std::make_unique<curl::Transfer>(
      multi_, curl::Request{.url = url_, .connect_timeout = limits_.connect},
      static_cast<curl::Transfer::Listener&>(*this));
}

void Playback::on_headers(const curl::ResponseHead& head) {
  if (head.status == 200) return;
  if (!RedirectTrail::is_redirect(head.status)) {
    return listener_.on_playback_failed(
        {Errc::Refused, fmt::format("headers: status {}", head.status)});
  }
  auto url = trail_.next(url_, head.location);
  if (!url) return listener_.on_playback_failed(std::move(url).error().in("headers"));
  url_ = std::move(*url);
  open();
}

curl::Flow Playback::on_bytes(ByteSpan bytes) {
  if (!has_bytes_) {
    has_bytes_ = true;
    first_byte_->stop();
  }
  return listener_.on_playback_bytes(bytes) ? curl::Flow::Continue : curl::Flow::Pause;
}

void Playback::on_done(const curl::Outcome& outcome) {
  Error why = outcome.error.value_or(Error{Errc::Closed, "engine ended the stream"});
  listener_.on_playback_failed(std::move(why).in(phase_name(outcome.phase)));
}

std::string_view Playback::phase_name(curl::Phase phase) const {
  switch (phase) {
    case curl::Phase::Connecting:
      return "connect";
    case curl::Phase::AwaitingHeaders:
      return "headers";
    case curl::Phase::Body:
      break;
  }
  return has_bytes_ ? "reading" : "first byte";
}

}  // namespace ace::engines
