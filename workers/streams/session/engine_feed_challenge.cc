// The part of EngineFeed that keeps a second session beside the one that viewers watch: while that
// one is silent, or to move to another engine on purpose.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "workers/streams/session/engine_feed.h"

namespace ace::streams {

bool EngineFeed::migrate(const std::optional<std::string>& engine_id) {
  if (!current_ || !has_session_delivered_ || !ports_.may_command()) return false;
  if (!engine_id && challenge_ == Challenge::Migration) return true;  // on its way already
  engines::ExcludedEngines others{this->engine_id()};
  if (engine_id) {
    if (*engine_id == this->engine_id() || engines_.find(*engine_id) == nullptr) return false;
    for (const auto& engine : engines_.engines()) others.insert(engine.id());
    others.erase(*engine_id);
  }
  drop_challenger();
  challenge(Challenge::Migration, others);
  return true;
}

void EngineFeed::hedge() {
  if (challenge_ != Challenge::None || choosing_ || !current_) return;
  if (services_.clock.now() < next_hedge_ || !ports_.may_command()) return;
  if (is_swarm_dry()) {
    next_hedge_ = services_.clock.now() + options_.silence * (1U << std::min(dry_hedges_, 4U));
    ++dry_hedges_;
  }
  auto excluded = attempts_.tried();
  excluded.insert(engine_id());
  challenge(Challenge::Hedge, excluded);
}

void EngineFeed::challenge(Challenge why, const engines::ExcludedEngines& excluded) {
  challenge_ = why;
  choose(excluded, &EngineFeed::on_challenger_choice);
}

void EngineFeed::on_challenger_choice(const Result<engines::EngineAddress>& chosen) {
  if (!chosen || !ports_.may_command()) {
    if (!challenger_) challenge_ = Challenge::None;
    return;
  }
  if (challenger_ && challenger_->info() && current_->info()) return recount();  // meanwhile
  if (challenger_) drop_laggard();
  log::info("engine_challenged", "stream={} engine={} by={} why={:?}", id_.text(), engine_id(),
            chosen->id(), challenge_ == Challenge::Hedge ? "silence" : "migration");
  challenger_ = make_reader(*chosen);
  challenger_->start();
}

void EngineFeed::drop_challenger() {
  if (std::exchange(challenge_, Challenge::None) == Challenge::None) return;
  choosing_.reset();
  if (!challenger_) return;
  if (ports_.may_command()) challenger_->stop();
  retire(std::move(challenger_));
  recount();
}

void EngineFeed::recount() {
  // The stream was counted on the other engine.
  if (!current_) return;
  if (current_->info()) {
    listener_.on_feed_open(*current_->info());
  } else {
    listener_.on_feed_choice(current_->engine_id());
  }
}

// --- before the first media -----------------------------------------------------------------

void EngineFeed::check_start() {
  if (has_delivered_ || services_.clock.now() < next_hedge_) return;
  if (choosing_ || !current_ || !ports_.may_command()) return;
  next_hedge_ = services_.clock.now() + options_.start / kStartHedges;
  // Two that have opened their sessions are waited for. One that has not even answered gives its
  // place to the next.
  if (challenger_ && challenger_->info() && current_->info()) return;
  auto excluded = attempts_.tried();
  excluded.insert(engine_id());
  if (challenger_) excluded.insert(challenger_->engine_id());
  challenge(Challenge::Hedge, excluded);
}

void EngineFeed::drop_laggard() {
  if (!current_->info()) {
    on_current_failed(current_->unfinished());  // the challenger takes its place
  } else {
    const auto& challenger = *challenger_;
    on_reader_failed(*challenger_, challenger.unfinished());
  }
  challenge_ = Challenge::Hedge;
  next_hedge_ = services_.clock.now() + options_.start / kStartHedges;
}

void EngineFeed::end_start() {
  for (auto* reader : {challenger_.get(), current_.get()}) {
    if (reader == nullptr) continue;
    auto why = reader->unfinished();
    if (reader == current_.get() && !swarm_.empty()) {
      why.text += fmt::format(" (its swarm: {})", swarm_);
    }
    log::warn("engine_session_failed", "stream={} engine={} why={:?}", id_.text(),
              reader->engine_id(), why.text);
    tell_fault(*reader, why);
    note_failure(reader->engine_id(), why);
  }
  auto failures = attempts_.failures();
  if (failures.empty()) {
    failures.push_back({.engine_id = "",
                        .error = {Errc::Timeout, fmt::format("no engine was chosen in {} ms",
                                                             options_.start.count())}});
  }
  give_up(failures);
}

void EngineFeed::check_junk() {
  for (auto* reader : {challenger_.get(), current_.get()}) {
    const auto why = reader != nullptr ? reader->junk() : std::nullopt;
    if (why && ports_.may_command()) on_reader_failed(*reader, *why);
  }
}

// --- the challenger -------------------------------------------------------------------------

void EngineFeed::beat_current() {
  if (challenge_ != Challenge::Hedge) return take_challenger();
  if (!has_delivered_) return on_current_failed(current_->unfinished());
  const auto quiet =
      std::chrono::duration_cast<std::chrono::milliseconds>(services_.clock.now() - last_media_);
  on_current_failed(
      {Errc::Timeout, fmt::format("{}: reading: no media in {} ms", engine_id(), quiet.count())});
}

void EngineFeed::take_challenger() {
  challenge_ = Challenge::None;
  choosing_.reset();
  log::info("engine_replaced", "stream={} engine={} by={}", id_.text(), engine_id(),
            challenger_->engine_id());
  end(std::move(current_));
  watch_reader(std::move(challenger_));
  listener_.on_feed_choice(current_->engine_id());
  if (current_->info()) {
    stat_.watch(*current_->info());
    listener_.on_feed_open(*current_->info());
  }
}

void EngineFeed::check_challenger() {
  if (!challenger_) return;
  const auto limit = options_.timeouts.json + options_.timeouts.first_byte;
  if (services_.clock.now() - challenger_->made_at() < limit) return;
  on_reader_failed(*challenger_,
                   {Errc::Timeout, fmt::format("{}: first byte: no media in {} ms",
                                               challenger_->engine_id(), limit.count())});
}

}  // namespace ace::streams
