#include "workers/streams/session/session_reader.h"

#include <fmt/format.h>

#include <utility>

#include "proto/engine/engine_words.h"
#include "proto/mpeg_ts/program_tables.h"
#include "workers/engines/stop_session.h"

namespace ace::streams {
namespace {

/// Of what comes in place of media, kept for its words.
constexpr std::size_t kOpening = proto::engine::kMostWords;

/// Packets without a PAT: at 128 kbit/s these take a second, in which one has come anywhere.
constexpr std::size_t kTellingBytes = 16'000;

}  // namespace

SessionReader::SessionReader(const Services& services, const engines::EngineAddress& engine,
                             proto::StreamId id, engines::SessionTimeouts limits, Place place,
                             Listener& listener)
    : services_{services},
      engine_id_{engine.id()},
      listener_{listener},
      made_at_{services.clock.now()},
      has_begun_{place == Place::Middle},
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

void SessionReader::inherit(engines::SessionInfo info, engines::OpenBody body,
                            proto::TsAligner::Place place, SteadyTime made_at) {
  info_ = std::move(info);
  made_at_ = made_at;
  aligner_.continue_run(place);
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
  if (opening_.size() == bytes_ && bytes_ < kOpening) {
    opening_ += as_text(bytes).substr(0, kOpening - bytes_);
  }
  bytes_ += bytes.size();
  aligner_.feed(bytes, [this](ByteSpan packets) {
    if (adoption_) listener_.on_reader_open(*this);
    adoption_.reset();
    if (!has_begun_) packets = proto::from_first_pat(packets);
    if (packets.empty() || is_retired_) return;
    has_begun_ = true;
    listener_.on_reader_packets(*this, packets);
  });
  judge(bytes);
  return true;
}

void SessionReader::judge(ByteSpan bytes) {
  if (aligner_.is_aligned()) opening_.clear();
  if (aligner_.is_aligned() && has_begun_) {
    junk_since_.reset();
    return;
  }
  if (!junk_since_) {
    junk_since_ = services_.clock.now();
    junk_bytes_ = 0;
  }
  junk_bytes_ += bytes.size();
}

void SessionReader::on_session_headers() {
  has_headers_ = true;
  listener_.on_reader_headers(*this);
}

void SessionReader::on_session_failed(const Error& why) {
  if (is_retired_) return;
  // What was sent in place of media says more than that it has ended.
  const bool is_answer = proto::engine::is_text(opening_);
  const auto told = is_answer ? no_stream() : why;
  listener_.on_reader_failed(*this, told);
}

std::optional<Error> SessionReader::junk() const {
  if (!junk_since_ || services_.clock.now() - *junk_since_ < kJunkTime) return std::nullopt;
  // A stream that drips is none: fewer bytes prove nothing, unless they can be read.
  const auto least = aligner_.is_aligned() ? kTellingBytes : 2 * proto::TsAligner::kLongestProof;
  if (junk_bytes_ < least && !proto::engine::is_text(opening_)) return std::nullopt;
  return no_stream();
}

Error SessionReader::no_stream() const {
  if (aligner_.is_aligned()) {
    return {Errc::Protocol,
            fmt::format("{}: first byte: MPEG-TS without a PAT in {} bytes", engine_id_, bytes_)};
  }
  if (opening_.empty()) {
    return {Errc::Protocol,
            fmt::format("{}: reading: {} bytes that are no MPEG-TS", engine_id_, junk_bytes_)};
  }
  // In its own words it refuses this stream; other bytes are what the stream is made of.
  const auto code = proto::engine::is_text(opening_) ? Errc::Refused : Errc::Protocol;
  return {code, fmt::format("{}: first byte: no MPEG-TS but {} ({} bytes)", engine_id_,
                            proto::engine::words_of(opening_), bytes_)};
}

Error SessionReader::unfinished() const {
  const auto ms =
      std::chrono::duration_cast<std::chrono::milliseconds>(services_.clock.now() - made_at_);
  const auto* phase = !info_ ? "getstream" : has_headers_ ? "first byte" : "headers";
  auto text = fmt::format("{}: {}: {} in {} ms", engine_id_, phase,
                          !info_        ? "no answer"
                          : bytes_ == 0 ? "nothing"
                                        : "no media",
                          ms.count());
  if (bytes_ > 0) text += fmt::format(", but {} bytes", bytes_);
  return {Errc::Timeout, std::move(text)};
}

}  // namespace ace::streams
