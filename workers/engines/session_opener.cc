#include "workers/engines/session_opener.h"

#include <fmt/format.h>

#include <utility>

#include "proto/engine/engine_words.h"
#include "shared/base/random_id.h"
#include "shared/log/log.h"
#include "workers/engines/stop_session.h"

namespace ace::engines {

using proto::engine::IdKind;

namespace {

Error with_words(Error why, std::string_view body) {
  const auto words = proto::engine::words_of(body);
  if (!words.empty()) why.text += ": " + words;
  return why;
}

}  // namespace

SessionOpener::SessionOpener(curl::Multi& multi, loop::TimerFactory& timers, EngineAddress engine,
                             proto::StreamId id, SessionTimeouts limits)
    : multi_{multi},
      timers_{timers},
      engine_{std::move(engine)},
      id_{id},
      limits_{limits},
      pid_{random_hex(16)},
      trail_{engine_},
      deadline_{timers.make()} {}

void SessionOpener::start(Callback callback) {
  callback_ = std::move(callback);
  ask(IdKind::ContentId);
}

void SessionOpener::abandon() {
  callback_ = nullptr;
  hear_out();
}

void SessionOpener::hear_out() {
  deadline_->stop();
  const bool may_have_been_sent = fetch_ && fetch_->phase() != curl::Phase::Connecting;
  if (may_have_been_sent) {
    multi_.keep(shared_from_this());
  } else {
    fetch_.reset();
  }
}

void SessionOpener::ask(IdKind kind) {
  kind_ = kind;
  trail_ = RedirectTrail{engine_};
  url_ =
      proto::engine::url_of(engine_.authority(), proto::engine::getstream_target(id_, kind, pid_));
  deadline_->once(limits_.json, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_timeout();
  });
  send();
}

void SessionOpener::send() {
  // Whoever waits gives up after `json`; the question itself is heard out for as long again.
  const curl::Request request{.url = url_, .connect_timeout = limits_.connect};
  const curl::FetchLimits bounds{.bytes = proto::engine::kMaxAnswerBytes,
                                 .deadline = 2 * limits_.json};
  fetch_ =
      std::make_unique<curl::Fetch>(multi_, timers_, request, bounds,
                                    [weak = weak_from_this()](const Result<curl::Answer>& answer) {
                                      if (const auto self = weak.lock()) self->on_answer(answer);
                                    });
}

void SessionOpener::on_timeout() {
  const bool is_connected = fetch_->phase() != curl::Phase::Connecting;
  auto waiting = std::exchange(callback_, nullptr);
  hear_out();
  waiting(fail(Errc::Timeout,
               fmt::format("{}: no answer in {} ms", is_connected ? "getstream" : "connect",
                           limits_.json.count())));
}

void SessionOpener::on_answer(const Result<curl::Answer>& answer) {
  const auto reached = std::exchange(fetch_, nullptr)->phase();
  if (!answer) {
    finish(fail(answer.error().in(reached == curl::Phase::Connecting ? "connect" : "getstream")));
  } else if (callback_ && RedirectTrail::is_redirect(answer->status)) {
    follow(answer->location);
  } else {
    judge(*answer);
  }
}

void SessionOpener::follow(const std::string& location) {
  auto url = trail_.next(url_, location);
  if (!url) return finish(fail(std::move(url).error().in("getstream")));
  url_ = std::move(*url);
  send();
}

void SessionOpener::judge(const curl::Answer& answer) {
  auto parsed = proto::engine::parse_getstream(answer.body, engine_.authority());
  if (!parsed && parsed.error().code == Errc::Refused) return on_refused(parsed.error());
  if (answer.status != 200) {
    // A 5xx is no refusal of this stream: the engine is at a loss with any.
    const auto code = answer.status >= 500 ? Errc::Protocol : Errc::Refused;
    return finish(
        fail(with_words({code, fmt::format("getstream: status {}", answer.status)}, answer.body)));
  }
  if (!parsed) {
    return finish(fail(with_words(std::move(parsed).error().in("getstream"), answer.body)));
  }
  finish(make_info(std::move(*parsed)));
}

void SessionOpener::on_refused(const Error& why) {
  const bool is_final = proto::engine::is_taken_over(why.text);
  if (kind_ == IdKind::ContentId && !is_final && callback_) {
    first_refusal_ = why.text;
    return ask(IdKind::Infohash);
  }
  const bool says_more = !first_refusal_.empty() && first_refusal_ != why.text;
  finish(fail(Errc::Refused,
              says_more ? fmt::format("getstream: {}; as infohash: {}", first_refusal_, why.text)
                        : fmt::format("getstream: {}", why.text)));
}

SessionInfo SessionOpener::make_info(proto::engine::GetstreamAnswer answer) const {
  return SessionInfo{.engine_id = engine_.id(),
                     .host = engine_.host,
                     .port = engine_.port,
                     .forwarded = engine_.forwarded,
                     .playback_url = std::move(answer.playback_url),
                     .stat_url = std::move(answer.stat_url),
                     .command_url = std::move(answer.command_url),
                     .playback_session_id = std::move(answer.playback_session_id),
                     .infohash = std::move(answer.infohash),
                     .pid = pid_,
                     .is_live = answer.is_live,
                     .is_encrypted = answer.is_encrypted};
}

void SessionOpener::finish(Result<SessionInfo> result) {
  deadline_->stop();
  if (callback_) {
    const auto waiting = std::exchange(callback_, nullptr);
    return waiting(std::move(result));
  }
  if (result) {
    log::debug("engine_session_unwanted", "engine={} stream={}", engine_.id(), id_.text());
    stop_session(multi_, timers_, *result, nullptr, limits_);
  }
  multi_.drop(this);
}

}  // namespace ace::engines
