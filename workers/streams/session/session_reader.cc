#include "workers/streams/session/session_reader.h"

#include <fmt/format.h>

#include <utility>

#include "workers/engines/stop_session.h"

namespace ace::streams {

SessionReader::SessionReader(const Services& services, const engines::EngineAddress& engine,
                             proto::StreamId id, engines::SessionTimeouts limits,
                             Listener& listener)
    : services_{services},
      engine_id_{engine.id()},
      listener_{listener},
      made_at_{services.clock.now()},
      session_{services.curl, services.timers,
               engine,        id,
               limits,        static_cast<engines::EngineSession::Listener&>(*this)} {}

Status SessionReader::adopt(engines::SessionInfo info, std::chrono::milliseconds within) {
  if (auto playing = session_.adopt(info); !playing) return playing;
  info_ = std::move(info);
  adoption_ = services_.timers.make();
  adoption_->once(within, [this, within] {
    listener_.on_reader_failed(*this, {Errc::Timeout, fmt::format("{}: adopting: no media in {} ms",
                                                                  engine_id_, within.count())});
  });
  return {};
}

void SessionReader::inherit(engines::SessionInfo info, engines::OpenBody body, SteadyTime made_at) {
  info_ = std::move(info);
  made_at_ = made_at;
  aligner_.continue_run();
  session_.inherit(std::move(body));
}

std::optional<engines::OpenBody> SessionReader::release() {
  if (!aligner_.is_aligned()) return std::nullopt;
  auto body = session_.release();
  if (body) body->unread.insert(0, as_text(aligner_.held_bytes()));
  return body;
}

void SessionReader::stop() {
  if (!info_) return;
  engines::stop_session(services_.curl, services_.timers, *info_, nullptr);
  info_.reset();
}

void SessionReader::retire() {
  is_retired_ = true;
  adoption_.reset();
}

void SessionReader::on_session_open(const engines::SessionInfo& info) {
  info_ = info;
  listener_.on_reader_open(*this);
}

bool SessionReader::on_session_bytes(ByteSpan bytes) {
  if (is_retired_ || !listener_.may_read()) return false;
  aligner_.feed(bytes, [this](ByteSpan packets) {
    if (adoption_) listener_.on_reader_open(*this);
    adoption_.reset();
    if (!is_retired_) listener_.on_reader_packets(*this, packets);
  });
  return true;
}

void SessionReader::on_session_failed(const Error& why) {
  if (!is_retired_) listener_.on_reader_failed(*this, why);
}

}  // namespace ace::streams
