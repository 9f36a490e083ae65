#include "workers/streams/session/engine_feed.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "workers/engines/stop_session.h"

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

/// A flowing session is read when a chunk is due, or when so much waits. Waking up for each piece
/// that an engine sends (10 KB each 10 ms, say) was a quarter of the cost of serving 300 viewers.
constexpr std::size_t kLowWater = 128_KiB;

/// All engines together may take this long to refuse a connection: a viewer learns within 3 s that
/// nobody is there.
constexpr milliseconds kConnectBudget{2'000};
constexpr milliseconds kShortestConnect{250};

/// A playback url is opened again once in so long: a session that breaks off at once would do so
/// for ever.
constexpr milliseconds kReopenEvery{10'000};

/// So many intervals long is believed what an engine said of its swarm. One that hangs says
/// nothing.
constexpr int kStatLasts = 3;

/// How often who may not command an engine asks again.
constexpr milliseconds kFencedRetry{250};

/// How often, and how many times, who finds every engine full asks again, while streams that nobody
/// watches leave. Players that zap close the old stream after they have asked for the new one.
constexpr milliseconds kRoomRetry{250};
constexpr unsigned kRoomAsks = 8;

Error silence_error(const std::string& engine_id, milliseconds quiet) {
  return {Errc::Timeout, fmt::format("{}: reading: no media in {} ms", engine_id, quiet.count())};
}

}  // namespace

EngineFeed::EngineFeed(curl::Multi& curl, loop::TimerFactory& timers, const Clock& clock,
                       const engines::EngineDirectory& engines, engines::EngineSelector& selector,
                       FeedPorts ports, proto::StreamId id, FeedOptions options, Listener& listener)
    : services_{.curl = curl, .timers = timers, .clock = clock},
      engines_{engines},
      selector_{selector},
      ports_{std::move(ports)},
      id_{id},
      options_{options},
      listener_{listener},
      builder_{options.chunk, timers, *this},
      retry_{timers.make()},
      watch_{timers.make()},
      sweep_{timers.make()},
      stat_{curl, timers, options.stat_every,
            [this](const proto::engine::StatAnswer& stat) { on_stat(stat); }},
      attempts_{options.give_up},
      last_reopening_{clock.now() - kReopenEvery} {}

EngineFeed::~EngineFeed() = default;

void EngineFeed::start(std::optional<engines::SessionInfo> known, std::chrono::nanoseconds waited) {
  known_session_ = std::move(known);
  has_delivered_ = !ports_.tail().empty();
  last_chunk_ = services_.clock.now();
  start_ends_ = last_chunk_ + options_.start - waited;
  if (!has_delivered_) next_hedge_ = last_chunk_ + options_.start / kStartHedges;
  watch_->every(kWatchEvery, [this] { check_silence(); });
  retry_->once(milliseconds{0}, [this] { open_next(); });
}

void EngineFeed::stop() {
  drop_challenger();
  // What is being read nobody else has taken: a session has one reader.
  if (current_ && ports_.may_command()) current_->stop();
  if (known_session_) owed_stops_.push_back(*std::exchange(known_session_, std::nullopt));
  stop_owed();
  selector_.release(id_);
  let_go();
  builder_.flush();
}

void EngineFeed::abandon() {
  drop_challenger();
  selector_.forget(id_);
  let_go();
  builder_.discard();
}

void EngineFeed::let_go() {
  choosing_.reset();
  // Destroying a reader that still asks for its session makes that stop what it gets, by itself.
  retire(std::move(current_));
  retry_->stop();
  watch_->stop();
  stat_.stop();
}

void EngineFeed::end(std::unique_ptr<SessionReader> reader) {
  if (reader && reader->info()) owed_stops_.push_back(*reader->info());
  stop_owed();
  retire(std::move(reader));
}

void EngineFeed::stop_owed() {
  // The engine may still hold a session that broke off: nobody else will stop it, unless an heir on
  // another host has just taken it from us.
  if (!ports_.may_command() || !ports_.may_stop()) return;
  for (const auto& session : std::exchange(owed_stops_, {})) {
    engines::stop_session(services_.curl, services_.timers, session, nullptr);
  }
}

void EngineFeed::retire(std::unique_ptr<SessionReader> reader) {
  if (!reader) return;
  reader->retire();
  // It may be the one whose packets brought us here.
  retired_.push_back(std::move(reader));
  sweep_->once(milliseconds{0}, [this] { retired_.clear(); });
}

void EngineFeed::resume() {
  if (!std::exchange(is_paused_, false)) return;
  last_chunk_ = last_media_ = services_.clock.now();  // the silence was ours
  set_flowing(false);                                 // no chunk is due that would be read for
  if (current_) current_->resume();
  if (challenger_) challenger_->resume();
}

// --- the session that viewers watch ---------------------------------------------------------

void EngineFeed::open_next() {
  if (!ports_.may_command()) {
    retry_->once(kFencedRetry, [this] { open_next(); });
    return;
  }
  stop_owed();
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
  watch_reader(make_reader(*engine));
  const auto playing = current_->adopt(std::move(info), options_.adopt);
  if (!playing) on_current_failed(playing.error());
}

void EngineFeed::choose(const engines::ExcludedEngines& excluded,
                        void (EngineFeed::*then)(const Result<engines::EngineAddress>&)) {
  choosing_ = std::make_shared<EngineFeed*>(this);
  selector_.choose(
      id_, excluded,
      [weak = std::weak_ptr{choosing_}, then](const Result<engines::EngineAddress>& chosen) {
        const auto self = weak.lock();
        if (!self) return;
        (*self)->choosing_.reset();
        ((*self)->*then)(chosen);
      });
}

void EngineFeed::open_on_best_engine() { choose(attempts_.tried(), &EngineFeed::on_choice); }

void EngineFeed::on_choice(const Result<engines::EngineAddress>& chosen) {
  if (chosen && !ports_.may_command()) return open_next();  // fenced meanwhile: it waits
  if (!chosen) return on_no_engine(chosen.error());
  room_asks_ = 0;
  ports_.on_phase(StartPhase::Pick);
  listener_.on_feed_choice(chosen->id());
  watch_reader(make_reader(*chosen));
  current_->start();
}

void EngineFeed::on_no_engine(const Error& why) {
  const bool may_get_room = why.code == Errc::Busy && room_asks_ < kRoomAsks &&
                            selector_.ask_for_room(id_, attempts_.tried(), room_asks_++);
  if (!has_delivered_) {
    if (may_get_room) return retry_->once(kRoomRetry, [this] { open_next(); });
    auto failures = selector_.refusals(attempts_.tried());
    failures.insert(failures.end(), attempts_.failures().begin(), attempts_.failures().end());
    if (failures.empty()) failures.push_back({.engine_id = "", .error = why});
    return give_up(failures);
  }
  if (attempts_.failures().empty()) {
    attempts_.note_failure("", why, services_.clock.now(), {});
  }
  after_failure();
}

std::unique_ptr<SessionReader> EngineFeed::make_reader(const engines::EngineAddress& engine) {
  const auto place =
      has_delivered_ ? SessionReader::Place::Middle : SessionReader::Place::Beginning;
  return std::make_unique<SessionReader>(services_, engine, id_, timeouts_now(), place,
                                         static_cast<SessionReader::Listener&>(*this));
}

void EngineFeed::watch_reader(std::unique_ptr<SessionReader> reader) {
  builder_.flush();  // of the session before: what was read of it is whole media
  current_ = std::move(reader);
  splicer_.begin(ports_.tail());
  last_media_ = services_.clock.now();
  has_session_delivered_ = false;
  swarm_.clear();
  dry_until_ = {};
  is_flowing_ = false;
}

engines::SessionTimeouts EngineFeed::timeouts_now() const {
  auto timeouts = options_.timeouts;
  const auto engines =
      static_cast<std::int64_t>(std::max<std::size_t>(engines_.engines().size(), 1));
  timeouts.connect =
      std::min(timeouts.connect, std::max(kShortestConnect, kConnectBudget / engines));
  return timeouts;
}

void EngineFeed::on_reader_open(SessionReader& reader) {
  const auto& info = *reader.info();
  log::info(reader.is_adopting() ? "engine_session_adopted" : "engine_session_open",
            "stream={} engine={} infohash={} live={}", id_.text(), info.engine_id, info.infohash,
            info.is_live);
  if (info.is_encrypted) {
    log::warn("stream_encrypted", "stream={} engine={}: players may not be able to show it",
              id_.text(), info.engine_id);
  }
  if (&reader == current_.get()) {
    ports_.on_phase(StartPhase::Getstream);
    stat_.watch(info);
    listener_.on_feed_open(info);
  } else if (&reader != challenger_.get()) {
    if (ports_.may_command()) reader.stop();  // retired while it was being opened
  } else if (!info.is_live && !has_delivered_) {
    take_challenger();  // it knows more than the engine that has not answered
  }
}

void EngineFeed::on_reader_headers(SessionReader& reader) {
  if (&reader == current_.get()) ports_.on_phase(StartPhase::Headers);
}

void EngineFeed::on_stat(const proto::engine::StatAnswer& stat) {
  if (stat.peers == 0 && stat.speed_down == 0) {
    dry_until_ = services_.clock.now() + kStatLasts * options_.stat_every;
  } else {
    dry_until_ = {};
  }
  swarm_ = fmt::format("{} peers, {} KB/s", stat.peers, stat.speed_down);
  listener_.on_feed_stat(stat);
}

void EngineFeed::on_reader_packets(SessionReader& reader, ByteSpan packets) {
  if (&reader == challenger_.get()) beat_current();
  if (&reader != current_.get()) return;
  if (!has_session_delivered_) ports_.on_phase(StartPhase::FirstByte);
  if (!is_flowing_ && builder_.waiting_bytes() == 0) waiting_since_ = services_.clock.now();
  splicer_.feed(packets, services_.clock.now(), [this](ByteSpan fresh) { builder_.add(fresh); });
}

void EngineFeed::on_chunk_due() {
  if (!current_ || is_paused_) return;
  const auto before = last_media_;
  current_->read_waiting();
  // Nothing came for as long as a chunk may get old: the next byte is news.
  if (builder_.waiting_bytes() == 0 && last_media_ == before) set_flowing(false);
}

void EngineFeed::set_flowing(bool is_flowing) {
  if (std::exchange(is_flowing_, is_flowing) == is_flowing || !current_) return;
  current_->set_low_water(is_flowing ? kLowWater : 1);
}

void EngineFeed::on_chunk(proto::ChunkPtr chunk) {
  set_flowing(true);
  last_chunk_ = last_media_ = services_.clock.now();
  if (!std::exchange(has_delivered_, true)) next_hedge_ = {};
  if (!std::exchange(has_session_delivered_, true)) selector_.note_success(engine_id());
  // Who failed before this session may be asked again, should it fall silent.
  if (current_ && last_media_ - current_->made_at() > Attempts::kGoodSession) attempts_.forget();
  if (challenge_ == Challenge::Hedge) drop_challenger();  // it was not needed
  dry_hedges_ = 0;
  // What comes from now on waits in the socket until the next chunk is due.
  listener_.on_feed_chunk(std::move(chunk), std::exchange(waiting_since_, last_media_));
}

// --- what goes wrong ------------------------------------------------------------------------

void EngineFeed::on_reader_failed(SessionReader& reader, const Error& why) {
  if (&reader == current_.get()) {
    on_current_failed(why);
  } else if (&reader == challenger_.get()) {
    log::warn("engine_session_failed", "stream={} engine={} why={:?}", id_.text(),
              reader.engine_id(), why.text);
    tell_fault(reader, why);
    if (!choosing_) challenge_ = Challenge::None;
    note_failure(reader.engine_id(), why);
    end(std::move(challenger_));
    if (!has_delivered_) next_hedge_ = services_.clock.now();  // the next one at once
    recount();
  }
}

void EngineFeed::on_current_failed(const Error& why) {
  log::warn("engine_session_failed", "stream={} engine={} why={:?}", id_.text(), engine_id(),
            why.text);
  tell_fault(*current_, why);
  stat_.stop();
  builder_.flush();
  const auto now = services_.clock.now();
  // What another owner left is tried for its own sake: its engine may well open a new session.
  if (!current_->is_adopting()) note_failure(engine_id(), why);
  if (challenger_) return take_challenger();
  drop_challenger();  // one that is only being chosen: the engine that is chosen now is for us
  if (has_session_delivered_ && why.code == Errc::Closed && current_->info() && ports_.may_stop() &&
      now - last_reopening_ >= kReopenEvery) {
    // A broken connection need not be the end of the session.
    last_reopening_ = now;
    known_session_ = current_->info();
    retire(std::move(current_));
  } else {
    end(std::move(current_));
  }
  retry_->once(milliseconds{0}, [this] { open_next(); });
}

void EngineFeed::tell_fault(const SessionReader& reader, const Error& why) {
  using enum host::EngineFault;
  const bool has_delivered = &reader == current_.get() && has_session_delivered_;
  if (reader.is_adopting()) {
    ports_.on_fault(Adopt, why);
  } else if (!reader.info()) {
    ports_.on_fault(why.code == Errc::Unavailable ? Connect : Getstream, why);
  } else if (!has_delivered) {
    ports_.on_fault(FirstByte, why);
  } else {
    ports_.on_fault(why.code == Errc::Timeout ? Stall : Broken, why);
  }
}

void EngineFeed::note_failure(const std::string& engine_id, const Error& why) {
  const bool is_ours = current_ && engine_id == current_->engine_id();
  const auto lasted = is_ours && has_session_delivered_
                          ? services_.clock.now() - current_->made_at()
                          : std::chrono::nanoseconds{0};
  attempts_.note_failure(engine_id, why, services_.clock.now(), lasted);
  selector_.note_failure(engine_id, why);
}

void EngineFeed::after_failure() {
  if (attempts_.is_hopeless(services_.clock.now())) {
    give_up(std::vector(attempts_.failures()));
    return;
  }
  retry_->once(attempts_.begin_round(), [this] { open_next(); });
}

void EngineFeed::check_silence() {
  if (!has_delivered_ && services_.clock.now() + kWatchEvery > start_ends_) return end_start();
  if (is_paused_) return;
  splicer_.on_time(services_.clock.now(), [this](ByteSpan fresh) { builder_.add(fresh); });
  check_challenger();
  check_junk();
  check_start();
  const auto now = services_.clock.now();
  const auto since = std::chrono::duration_cast<milliseconds>(now - last_chunk_);
  if (has_delivered_ && since >= options_.unhealthy) {
    listener_.on_feed_silent(since);
    hedge();
  }
  if (has_delivered_ && since >= options_.give_up && ports_.may_command()) {
    if (attempts_.failures().empty()) note_failure(engine_id(), silence_error(engine_id(), since));
    give_up(std::vector(attempts_.failures()));
    return;
  }
  if (!current_ || !current_->info()) return;
  // Media counts, not bytes: an engine that sends junk, or stops within the first packet, delivers
  // nothing that a viewer could use. A little longer than the session itself waits for its first
  // byte: it knows better how far it came.
  auto limit =
      has_session_delivered_ ? options_.silence : options_.timeouts.first_byte + kWatchEvery;
  if (has_session_delivered_ && is_swarm_dry()) limit = options_.give_up;
  const auto quiet = std::chrono::duration_cast<milliseconds>(now - last_media_);
  if (quiet < limit || !ports_.may_command()) return;
  on_current_failed(silence_error(engine_id(), quiet));
}

void EngineFeed::give_up(const std::vector<EngineFailure>& failures) {
  stop();
  listener_.on_feed_failed(failures);
}

}  // namespace ace::streams
