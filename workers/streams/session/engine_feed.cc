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

}  // namespace

EngineFeed::EngineFeed(curl::Multi& curl, loop::TimerFactory& timers, const Clock& clock,
                       const engines::EngineDirectory& engines, engines::LoadOf load,
                       proto::StreamId id, FeedOptions options, Listener& listener)
    : curl_{curl},
      timers_{timers},
      clock_{clock},
      engines_{engines},
      load_{std::move(load)},
      id_{id},
      options_{options},
      listener_{listener},
      builder_{options.chunk, timers, *this},
      retry_{timers.make()},
      watch_{timers.make()} {}

EngineFeed::~EngineFeed() = default;

void EngineFeed::start() {
  failing_since_ = clock_.now();
  watch_->every(kWatchEvery, [this] { check_silence(); });
  retry_->once(milliseconds{0}, [this] { open_on_best_engine(); });
}

void EngineFeed::stop() {
  if (open_session_) engines::stop_session(curl_, timers_, *open_session_, nullptr);
  let_go();
  builder_.flush();
}

void EngineFeed::abandon() {
  let_go();
  builder_.discard();
}

void EngineFeed::let_go() {
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

void EngineFeed::open_on_best_engine() {
  const auto* engine = engines::select(engines_.engines(), load_, tried_);
  if (engine != nullptr) {
    open(*engine);
    return;
  }
  if (failures_.empty()) {
    failures_.push_back({.engine_id = "", .error = {Errc::Busy, "every engine is full"}});
  }
  if (!has_delivered_) {
    give_up();
    return;
  }
  after_failure();
}

void EngineFeed::open(const engines::EngineAddress& engine) {
  engine_id_ = engine.id();
  listener_.on_feed_choice(engine_id_);
  opened_at_ = clock_.now();
  last_media_ = opened_at_;
  has_session_delivered_ = false;
  is_flowing_ = false;
  session_ = std::make_unique<engines::EngineSession>(
      curl_, timers_, engine, id_, timeouts_now(),
      static_cast<engines::EngineSession::Listener&>(*this));
  session_->start();
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
  listener_.on_feed_open(info);
}

bool EngineFeed::on_session_bytes(ByteSpan bytes) {
  if (pause_reasons_ != 0) return false;
  aligner_.feed(bytes, [this](ByteSpan packets) { builder_.add(packets); });
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
  has_session_delivered_ = true;
  listener_.on_feed_chunk(std::move(chunk));
}

void EngineFeed::on_session_failed(const Error& why) {
  log::warn("engine_session_failed", "stream={} engine={} why=\"{}\"", id_.text(), engine_id_,
            why.text);
  // What was read of the old session is whole media; the rest of a packet is not.
  builder_.flush();
  aligner_.reset();
  if (has_session_delivered_ && clock_.now() - opened_at_ > kGoodSession) {
    failures_.clear();
    tried_.clear();
    retries_ = 0;
  }
  if (failures_.empty()) failing_since_ = clock_.now();
  failures_.push_back({.engine_id = engine_id_, .error = why});
  tried_.insert(engine_id_);
  // The engine may still hold the session (a cut connection, say): nobody else will stop it.
  if (open_session_) engines::stop_session(curl_, timers_, *open_session_, nullptr);
  open_session_.reset();
  // Not from within the session's own call: the next one replaces it.
  retry_->once(milliseconds{0}, [this] {
    session_.reset();
    open_on_best_engine();
  });
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
  retry_->once(delay, [this] { open_on_best_engine(); });
}

void EngineFeed::check_silence() {
  if (!session_ || !open_session_ || pause_reasons_ != 0) return;
  // Media counts, not bytes: an engine that sends junk, or stops within the first packet, delivers
  // nothing that a viewer could use.
  const auto limit = has_session_delivered_ ? options_.silence : options_.timeouts.first_byte;
  const auto quiet = clock_.now() - last_media_;
  const auto since = std::chrono::duration_cast<milliseconds>(quiet);
  if (quiet >= limit) {
    session_.reset();
    on_session_failed(
        {Errc::Timeout, fmt::format("{}: reading: no media in {} ms", engine_id_, since.count())});
  } else if (quiet >= options_.unhealthy) {
    listener_.on_feed_silent(since);
  }
}

void EngineFeed::give_up() {
  auto failures = std::exchange(failures_, {});
  abandon();
  listener_.on_feed_failed(failures);
}

}  // namespace ace::streams
