#include "workers/engines/engine_session.h"

#include <utility>

#include "shared/base/check.h"
#include "workers/engines/session_opener.h"

namespace ace::engines {

EngineSession::EngineSession(curl::Multi& multi, loop::TimerFactory& timers, EngineAddress engine,
                             proto::StreamId id, SessionTimeouts limits, Listener& listener)
    : multi_{multi},
      timers_{timers},
      engine_{std::move(engine)},
      id_{id},
      limits_{limits},
      listener_{listener} {}

EngineSession::~EngineSession() {
  if (opener_) opener_->abandon();
}

void EngineSession::start() {
  ACE_CHECK(!opener_ && !playback_, "a session is started once");
  opener_ = std::make_shared<SessionOpener>(multi_, timers_, engine_, id_, limits_);
  // Safe with this: the destructor abandons the opener, which forgets the callback.
  opener_->start([this](Result<SessionInfo> opened) { on_opened(std::move(opened)); });
}

Status EngineSession::adopt(const SessionInfo& info) {
  ACE_CHECK(!opener_ && !playback_, "a session is started once");
  auto url = proto::engine::rebuilt_url(info.playback_url, engine_.authority());
  if (!url) return fail(std::move(url).error().in("playback url").in(engine_.id()));
  play(std::move(*url));
  return {};
}

void EngineSession::inherit(OpenBody body) {
  ACE_CHECK(!opener_ && !playback_, "a session is started once");
  playback_ = std::make_unique<Playback>(multi_, timers_, engine_, std::move(body),
                                         static_cast<Playback::Listener&>(*this));
}

std::optional<OpenBody> EngineSession::release() {
  return playback_ ? playback_->release() : std::nullopt;
}

void EngineSession::resume() {
  if (playback_) playback_->resume();
}

void EngineSession::set_low_water(std::size_t bytes) {
  if (playback_) playback_->set_low_water(bytes);
}

void EngineSession::read_waiting() {
  if (playback_) playback_->read_waiting();
}

void EngineSession::on_opened(Result<SessionInfo> opened) {
  opener_.reset();
  if (!opened) return fail_with(std::move(opened).error());
  play(opened->playback_url);
  listener_.on_session_open(*opened);
}

void EngineSession::play(std::string url) {
  playback_ = std::make_unique<Playback>(multi_, timers_, engine_, std::move(url), limits_,
                                         static_cast<Playback::Listener&>(*this));
}

bool EngineSession::on_playback_bytes(ByteSpan bytes) { return listener_.on_session_bytes(bytes); }

void EngineSession::on_playback_failed(Error why) { fail_with(std::move(why)); }

void EngineSession::fail_with(Error why) {
  playback_.reset();
  listener_.on_session_failed(std::move(why).in(engine_.id()));
}

}  // namespace ace::engines
