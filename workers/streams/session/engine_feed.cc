#include "workers/streams/session/engine_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shared/log/log.h"

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstRetry{500};
constexpr milliseconds kLastRetry{8'000};
constexpr milliseconds kWatchEvery{500};

/// A session that delivered this long was a good one: what failed before it is forgotten. Without
/// this, two engines that deliver a little and break off would be asked in turns without a pause.
constexpr milliseconds kGoodSession{10'000};

/// A flowing session is read when a chunk is due, or when so much waits. Waking up for each piece
/// that an engine sends (10 KB each 10 ms, say) was a quarter of the cost of serving 300 viewers.
constexpr std::size_t kLowWater = 128_KiB;

/// All engines together may take this long to refuse a connection: a viewer learns within 3 s that
/// nobody is there.
constexpr milliseconds kConnectBudget{2'000};
constexpr milliseconds kShortestConnect{250};

/// For the first packet of a session that another owner opened. Engines do not say that this works
/// at all, and viewers wait.
constexpr milliseconds kAdoptWithin{500};

/// How often who may not command an engine asks again.
constexpr milliseconds kFencedRetry{250};

}  // namespace

EngineFeed::EngineFeed(curl::Multi& curl, loop::TimerFactory& timers, const Clock& clock,
                       const engines::EngineDirectory& engines, engines::EngineSelector& selector,
                       FeedPorts ports, proto::StreamId id, FeedOptions options, Listener& listener)
    : curl_{curl},
      timers_{timers},
      clock_{clock},
      engines_{engines},
      selector_{selector},
      ports_{std::move(ports)},
      id_{id},
      options_{options},
      listener_{listener},
      builder_{options.chunk, timers, *this},
      retry_{timers.make()},
      watch_{timers.make()} {}

EngineFeed::~EngineFeed() = default;

void EngineFeed::start(std::optional<engines::SessionInfo> known) {
  known_session_ = std::move(known);
  has_delivered_ = !ports_.tail().empty();
  failing_since_ = clock_.now();
  watch_->every(kWatchEvery, [this] { check_silence(); });
  retry_->once(milliseconds{0}, [this] { open_next(); });
}

void EngineFeed::stop() {
  // What is being read nobody else has taken: a session has one reader.
  if (ports_.may_command() && (session_ || ports_.may_stop())) stop_open_session();
  selector_.release(id_);
  let_go();
  builder_.flush();
}

void EngineFeed::stop_open_session() {
  if (open_session_) engines::stop_session(curl_, timers_, *open_session_, nullptr);
  open_session_.reset();
}

void EngineFeed::abandon() {
  let_go();
  builder_.discard();
}

void EngineFeed::let_go() {
  choosing_.reset();
  // Destroying a session that still asks for its playback makes it stop what it gets, by itself.
  session_.reset();
  open_session_.reset();
  retry_->stop();
  watch_->stop();
}

void EngineFeed::pause(PauseReason reason) {
  pause_reasons_ = static_cast<std::uint8_t>(pause_reasons_ | static_cast<std::uint8_t>(reason));
}

void EngineFeed::resume(PauseReason reason) {
  const bool was_paused = pause_reasons_ != 0;
  pause_reasons_ = static_cast<std::uint8_t>(pause_reasons_ & ~static_cast<std::uint8_t>(reason));
  if (was_paused && pause_reasons_ == 0 && session_) {
    last_media_ = clock_.now();  // the silence was ours
    session_->resume();
  }
}

void EngineFeed::open_next() {
  if (!ports_.may_command()) {
    retry_->once(kFencedRetry, [this] { open_next(); });
    return;
  }
  // The engine may still hold the last session (a cut connection, say): nobody else will stop it,
  // unless an heir on another host has just taken it from us.
  if (ports_.may_stop()) stop_open_session();
  open_session_.reset();
  if (auto known = std::exchange(known_session_, std::nullopt)) {
    adopt(std::move(*known));
  } else {
    open_on_best_engine();
  }
}

void EngineFeed::adopt(engines::SessionInfo info) {
  // It may come from another worker's hand: no address is believed but our own settings'.
  const auto* engine = engines_.find(info.engine_id);
  if (engine == nullptr) return open_on_best_engine();
  info.host = engine->host;
  info.port = engine->port;
  info.forwarded = engine->forwarded;
  make_session(*engine);
  const auto playing = session_->adopt(info);
  open_session_ = std::move(info);
  is_adopting_ = true;
  if (!playing) return on_session_failed(playing.error());
  retry_->once(kAdoptWithin, [this] {
    session_.reset();
    on_session_failed({Errc::Timeout, fmt::format("{}: adopting: no media in {} ms", engine_id_,
                                                  kAdoptWithin.count())});
  });
}

void EngineFeed::on_adopted() {
  is_adopting_ = false;
  retry_->stop();
  log::info("engine_session_adopted", "stream={} engine={} infohash={}", id_.text(), engine_id_,
            open_session_->infohash);
  listener_.on_feed_open(*open_session_);
}

void EngineFeed::open_on_best_engine() {
  choosing_ = std::make_shared<EngineFeed*>(this);
  selector_.choose(id_, tried_,
                   [weak = std::weak_ptr{choosing_}](const Result<engines::EngineAddress>& chosen) {
                     if (const auto self = weak.lock()) (*self)->on_choice(chosen);
                   });
}

void EngineFeed::on_choice(const Result<engines::EngineAddress>& chosen) {
  choosing_.reset();
  if (chosen && ports_.may_command()) return open(*chosen);
  if (chosen) return open_next();  // fenced meanwhile: it waits, and chooses again
  if (failures_.empty()) failures_.push_back({.engine_id = "", .error = chosen.error()});
  if (!has_delivered_) {
    give_up();
    return;
  }
  after_failure();
}

void EngineFeed::open(const engines::EngineAddress& engine) {
  listener_.on_feed_choice(engine.id());
  make_session(engine);
  session_->start();
}

void EngineFeed::make_session(const engines::EngineAddress& engine) {
  engine_id_ = engine.id();
  splicer_.begin(ports_.tail());
  opened_at_ = clock_.now();
  last_media_ = opened_at_;
  has_session_delivered_ = false;
  is_flowing_ = false;
  session_ = std::make_unique<engines::EngineSession>(
      curl_, timers_, engine, id_, timeouts_now(),
      static_cast<engines::EngineSession::Listener&>(*this));
}

engines::SessionTimeouts EngineFeed::timeouts_now() const {
  auto timeouts = options_.timeouts;
  const auto engines =
      static_cast<std::int64_t>(std::max<std::size_t>(engines_.engines().size(), 1));
  timeouts.connect =
      std::min(timeouts.connect, std::max(kShortestConnect, kConnectBudget / engines));
  return timeouts;
}

void EngineFeed::on_session_open(const engines::SessionInfo& info) {
  open_session_ = info;
  log::info("engine_session_open", "stream={} engine={} infohash={}", id_.text(), info.engine_id,
            info.infohash);
  listener_.on_feed_open(info);
}

bool EngineFeed::on_session_bytes(ByteSpan bytes) {
  if (pause_reasons_ != 0) return false;
  aligner_.feed(bytes, [this](ByteSpan packets) {
    if (is_adopting_) on_adopted();
    splicer_.feed(packets, clock_.now(), [this](ByteSpan fresh) { builder_.add(fresh); });
  });
  return true;
}

void EngineFeed::on_chunk_due() {
  if (!session_ || pause_reasons_ != 0) return;
  const auto before = last_media_;
  session_->read_waiting();
  // Nothing came for as long as a chunk may get old: the next byte is news.
  if (builder_.waiting_bytes() == 0 && last_media_ == before) set_flowing(false);
}

void EngineFeed::set_flowing(bool is_flowing) {
  if (std::exchange(is_flowing_, is_flowing) == is_flowing || !session_) return;
  session_->set_low_water(is_flowing ? kLowWater : 1);
}

void EngineFeed::on_chunk(proto::ChunkPtr chunk) {
  set_flowing(true);
  last_media_ = clock_.now();
  has_delivered_ = true;
  if (!std::exchange(has_session_delivered_, true)) selector_.note_success(engine_id_);
  listener_.on_feed_chunk(std::move(chunk));
}

void EngineFeed::on_session_failed(const Error& why) {
  log::warn("engine_session_failed", "stream={} engine={} why=\"{}\"", id_.text(), engine_id_,
            why.text);
  // What was read of the old session is whole media; the rest of a packet is not.
  builder_.flush();
  aligner_.reset();
  // What another owner left is tried for its own sake: its engine may well open a new session.
  if (!std::exchange(is_adopting_, false)) note_failure(why);
  // Not from within the session's own call: the next one replaces it.
  retry_->once(milliseconds{0}, [this] {
    session_.reset();
    open_next();
  });
}

void EngineFeed::note_failure(const Error& why) {
  if (has_session_delivered_ && clock_.now() - opened_at_ > kGoodSession) {
    failures_.clear();
    tried_.clear();
    retries_ = 0;
  }
  if (failures_.empty()) failing_since_ = clock_.now();
  selector_.note_failure(engine_id_, why);
  failures_.push_back({.engine_id = engine_id_, .error = why});
  tried_.insert(engine_id_);
}

void EngineFeed::after_failure() {
  if (clock_.now() - failing_since_ > options_.give_up) {
    give_up();
    return;
  }
  // Every engine had its turn: a pause, then all of them again.
  tried_.clear();
  const auto delay = std::min(kLastRetry, kFirstRetry * (1U << std::min(retries_, 5U)));
  ++retries_;
  retry_->once(delay, [this] { open_next(); });
}

void EngineFeed::check_silence() {
  if (!session_ || !open_session_ || pause_reasons_ != 0) return;
  splicer_.on_time(clock_.now(), [this](ByteSpan fresh) { builder_.add(fresh); });
  // Media counts, not bytes: an engine that sends junk, or stops within the first packet, delivers
  // nothing that a viewer could use.
  const auto limit = has_session_delivered_ ? options_.silence : options_.timeouts.first_byte;
  const auto quiet = clock_.now() - last_media_;
  const auto since = std::chrono::duration_cast<milliseconds>(quiet);
  if (quiet >= limit && ports_.may_command()) {
    session_.reset();
    on_session_failed(
        {Errc::Timeout, fmt::format("{}: reading: no media in {} ms", engine_id_, since.count())});
  } else if (quiet >= options_.unhealthy) {
    listener_.on_feed_silent(since);
  }
}

void EngineFeed::give_up() {
  auto failures = std::exchange(failures_, {});
  selector_.release(id_);
  abandon();
  listener_.on_feed_failed(failures);
}

}  // namespace ace::streams
