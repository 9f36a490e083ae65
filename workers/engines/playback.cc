#include "workers/engines/playback.h"

#include <fmt/format.h>

#include <utility>

#include "proto/engine/engine_words.h"

namespace ace::engines {
namespace {

/// An engine that refuses says why at once, or not at all.
constexpr std::chrono::milliseconds kWordsTime{500};

}  // namespace

Playback::Playback(curl::Multi& multi, loop::TimerFactory& timers, const EngineAddress& engine,
                   std::string url, SessionTimeouts limits, Listener& listener)
    : multi_{multi},
      listener_{listener},
      limits_{limits},
      url_{std::move(url)},
      trail_{engine},
      first_byte_{timers.make()},
      alive_{std::make_shared<Playback*>(this)} {
  first_byte_->once(limits_.first_byte, [this] {  // a member: it cannot fire after this object
    listener_.on_playback_failed({Errc::Timeout, fmt::format("{}: nothing in {} ms", phase_name(),
                                                             limits_.first_byte.count())});
  });
  open();
}

Playback::Playback(curl::Multi& multi, loop::TimerFactory& timers, const EngineAddress& engine,
                   OpenBody body, Listener& listener)
    : multi_{multi},
      listener_{listener},
      trail_{engine},
      has_bytes_{true},
      first_byte_{timers.make()},
      alive_{std::make_shared<Playback*>(this)} {
  read_body(std::move(body));
}

void Playback::open() {
  transfer_ = std::make_unique<curl::Transfer>(
      multi_, curl::Request{.url = url_, .connect_timeout = limits_.connect, .is_body_raw = true},
      static_cast<curl::Transfer::Listener&>(*this));
}

void Playback::resume() {
  if (media_) media_->resume();
}

void Playback::set_low_water(std::size_t bytes) {
  if (media_) media_->set_low_water(bytes);
}

void Playback::read_waiting() {
  if (media_) media_->read_waiting();
}

std::optional<OpenBody> Playback::release() {
  if (!media_ || !has_bytes_) return std::nullopt;
  alive_.reset();
  return media_->release();
}

// --- up to the headers ----------------------------------------------------------------------

void Playback::on_headers(const curl::ResponseHead& head) {
  if (head.status == 200) {
    auto decoder = proto::http::BodyDecoder::of(head.transfer_encoding, head.content_length);
    if (!decoder) {
      return listener_.on_playback_failed(std::move(decoder).error().in("headers"));
    }
    opening_.decoder = *decoder;
    // libcurl is on the stack.
    multi_.loop().post([weak = std::weak_ptr{alive_}] {
      if (const auto self = weak.lock()) (*self)->take_connection();
    });
    return listener_.on_playback_headers();
  }
  if (!RedirectTrail::is_redirect(head.status)) {
    return refuse(head, {Errc::Refused, fmt::format("headers: status {}", head.status)});
  }
  auto url = trail_.next(url_, head.location);
  if (!url) return listener_.on_playback_failed(std::move(url).error().in("headers"));
  url_ = std::move(*url);
  open();
}

void Playback::refuse(const curl::ResponseHead& head, Error why) {
  refusal_ = std::move(why);
  auto decoder = proto::http::BodyDecoder::of(head.transfer_encoding, head.content_length);
  if (!decoder || decoder->is_over()) return end_refusal();
  opening_.decoder = *decoder;
  first_byte_->once(kWordsTime, [this] { end_refusal(); });
}

void Playback::end_refusal() {
  const auto words = proto::engine::words_of(opening_.unread);
  if (!words.empty()) refusal_->text += ": " + words;
  listener_.on_playback_failed(std::move(*refusal_));
}

curl::Flow Playback::on_bytes(ByteSpan bytes) {
  const auto fed = opening_.decoder.feed(
      bytes, [this](ByteSpan body) { opening_.unread.append(as_text(body)); });
  if (refusal_) {
    const bool is_enough = opening_.unread.size() >= proto::engine::kMostWords;
    if (!fed || is_enough || opening_.decoder.is_over()) end_refusal();
    return curl::Flow::Continue;
  }
  if (!fed) listener_.on_playback_failed(fed.error().in(phase_name()));
  return curl::Flow::Continue;
}

void Playback::on_done(const curl::Outcome& outcome) {
  if (refusal_) return end_refusal();
  if (outcome.phase != curl::Phase::Body) {
    Error why = outcome.error.value_or(Error{Errc::Closed, "engine ended the stream"});
    const auto* const phase = outcome.phase == curl::Phase::Connecting ? "connect" : "headers";
    return listener_.on_playback_failed(std::move(why).in(phase));
  }
  // It has ended before its connection was taken: what came with the headers is all.
  read_body(std::move(opening_));
}

void Playback::take_connection() {
  if (!transfer_) return;
  opening_.socket = transfer_->detach();
  read_body(std::move(opening_));
}

// --- the body -------------------------------------------------------------------------------

void Playback::read_body(OpenBody body) {
  transfer_.reset();
  media_ = std::make_unique<MediaSocket>(multi_.loop(), std::move(body),
                                         static_cast<MediaSocket::Listener&>(*this));
}

bool Playback::on_media_bytes(ByteSpan bytes) {
  if (!has_bytes_) {
    has_bytes_ = true;
    first_byte_->stop();
  }
  return listener_.on_playback_bytes(bytes);
}

void Playback::on_media_end(Error why) {
  listener_.on_playback_failed(std::move(why).in(phase_name()));
}

std::string_view Playback::phase_name() const {
  const auto phase = transfer_ ? transfer_->phase() : curl::Phase::Body;
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
