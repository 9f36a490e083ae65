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
    challenge_ = Challenge::None;
    return;
  }
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
  // The stream was counted on the other engine.
  if (current_ && current_->info()) listener_.on_feed_open(*current_->info());
}

void EngineFeed::beat_current() {
  if (challenge_ != Challenge::Hedge) return take_challenger();
  const auto quiet =
      std::chrono::duration_cast<std::chrono::milliseconds>(services_.clock.now() - last_media_);
  on_current_failed(
      {Errc::Timeout, fmt::format("{}: reading: no media in {} ms", engine_id(), quiet.count())});
}

void EngineFeed::take_challenger() {
  challenge_ = Challenge::None;
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
