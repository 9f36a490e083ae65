// The part of EngineFeed that passes a running session to another process, at any byte of it.

#include <utility>

#include "workers/streams/session/engine_feed.h"

namespace ace::streams {
namespace {

/// Behind a seam each PID is marked when it comes. Who has not come for so long goes unmarked.
constexpr std::chrono::milliseconds kSeamSeen{3'000};

}  // namespace

bool EngineFeed::rest() {
  if (!current_ || !current_->info() || !has_session_delivered_) return false;
  const bool is_old = services_.clock.now() - current_->made_at() > kSeamSeen;
  const bool is_joined = splicer_.is_done() || (splicer_.is_passing() && is_old);
  const bool is_decided = challenge_ == Challenge::None && !choosing_ && owed_stops_.empty();
  if (!is_joined || !is_decided || current_->is_adopting()) return false;
  pause();
  builder_.flush();
  return true;
}

std::optional<FeedEstate> EngineFeed::part() {
  if (!is_paused_ || !current_ || !current_->info() || builder_.waiting_bytes() > 0) {
    return std::nullopt;
  }
  const auto info = *current_->info();
  const auto made_at = current_->made_at();
  const auto place = current_->place();
  auto body = current_->release();
  if (!body) return std::nullopt;
  selector_.forget(id_);
  let_go();
  return FeedEstate{.info = info, .body = std::move(*body), .place = place, .made_at = made_at};
}

void EngineFeed::inherit(FeedEstate estate) {
  const auto* engine = engines_.find(estate.info.engine_id);
  if (engine == nullptr) {
    // It is none of our settings any more.
    owed_stops_.push_back(std::move(estate.info));
    return start();
  }
  has_delivered_ = has_session_delivered_ = true;
  last_chunk_ = last_media_ = services_.clock.now();
  watch_->every(kWatchEvery, [this] { check_silence(); });
  current_ = make_reader(*engine);
  current_->inherit(std::move(estate.info), std::move(estate.body), estate.place, estate.made_at);
  current_->set_low_water(1);  // the socket has kept the mark of who read it before
  stat_.watch(*current_->info());
}

}  // namespace ace::streams
