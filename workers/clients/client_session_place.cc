// ClientSession's place in the stream: where it begins, what it may have by now, where it goes on
// when it has left the buffer.

#include <algorithm>
#include <utility>

#include "workers/clients/client_session.h"
#include "workers/streams/window/landing.h"

namespace ace::clients {
namespace {

/// As a burst: more than there ever is.
constexpr std::chrono::hours kAll{24};

/// Who waits for a random access point has nothing, and some players hang up after eight seconds
/// without a byte.
constexpr std::chrono::milliseconds kEntryPatience{5'000};

}  // namespace

void ClientSession::use(const streams::StreamBuffer& buffer) {
  window_ = &buffer.window;
  archive_ = &buffer.archive;
}

void ClientSession::join(const streams::StreamBuffer& buffer, JoinPlace place) {
  use(buffer);
  place_ = place;
  joined_at_ = clock_.now();
  next_ = window_->edge();
  const bool may_begin = place.opening != Opening::Nothing && !window_->empty();
  if (phase_ == Phase::Waiting && may_begin) pump();
}

std::optional<streams::WindowPosition> ClientSession::place_to_begin() const {
  if (place_.delay.count() > 0) return window_->delayed_position(place_.delay);
  if (const auto entry = window_->entry_within(place_.burst)) return entry;
  const bool is_all_there_is = place_.opening == Opening::Anything || window_->empty();
  if (is_all_there_is) return window_->position_behind(place_.burst);
  if (place_.opening != Opening::Live) return std::nullopt;
  if (window_->has_no_entries()) return window_->position_behind(place_.burst);
  // A burst that cannot be decoded would only put off the next picture that can.
  if (clock_.now() - joined_at_ < kEntryPatience) return std::nullopt;
  return streams::WindowPosition{window_->edge().value - 1};
}

bool ClientSession::begin() {
  const auto place = place_to_begin();
  if (!place) return false;
  next_ = *place;
  const auto* item = window_->known_at(next_);
  if (item == nullptr) return true;
  const auto beyond = window_->age_at(*item, clock_.now()) - place_.burst;
  if (place_.delay.count() == 0) {
    began_behind_ = std::max(beyond, std::chrono::nanoseconds{0});
    return true;
  }
  // A younger stream has no more than that, and nobody waits for it to grow.
  hold_ = beyond;
  is_paced_ = bucket_.is_limited() || hold_.count() > 0;
  return true;
}

void ClientSession::feed_from(const streams::StreamBuffer& buffer, streams::WindowPosition from) {
  use(buffer);
  next_ = from;
  if (!owed_.empty() || window_->known_at(next_) != nullptr) pump();
}

void ClientSession::skip_to(const streams::StreamBuffer& buffer, streams::WindowPosition to) {
  use(buffer);
  ++skips_;
  must_land_ = true;
  next_ = to;
  pump();
}

void ClientSession::limit(ClientRate rate) {
  bucket_.set_rate(rate, clock_.now());
  is_paced_ = bucket_.is_limited() || hold_.count() > 0;
}

bool ClientSession::may_send() {
  if (!is_paced_ || phase_ == Phase::Finishing || bucket_.may_take(clock_.now())) return true;
  pause_ = Pause::Rate;
  watcher_.watch(true, false);
  return false;
}

bool ClientSession::is_due(const streams::ChunkWindow::Item& item) const {
  if (hold_.count() <= 0 || phase_ == Phase::Finishing) return true;
  return window_->age_at(item, clock_.now()) >= hold_;
}

bool ClientSession::reach_next() {
  if (window_ == nullptr || current_ != nullptr) return true;
  if (next_ < window_->oldest()) {
    const auto* item = must_land_ ? nullptr : window_->known_at(next_);
    if (item == nullptr) {
      skip();
    } else if (is_due(*item)) {
      if (auto chunk = archive_->read(next_, *this)) {
        take(*item, std::move(chunk));
        return true;
      }
      pause_ = Pause::Archive;
      watcher_.watch(true, false);
      return false;
    }
  }
  if (must_land_) {
    land();
  } else if (const auto* item = window_->at(next_); item != nullptr && phase_ == Phase::Waiting) {
    if (is_due(*item)) take(*item, item->chunk);
  }
  return true;
}

void ClientSession::on_read_back(proto::ChunkPtr chunk) {
  pause_ = Pause::None;
  const auto* item = window_->known_at(next_);
  if (chunk && item != nullptr) {
    take(*item, std::move(chunk));
  } else {
    skip();
  }
  pump();
}

void ClientSession::leave_stream() {
  stop_reading();
  listener_ = nullptr;
  window_ = nullptr;
  archive_ = nullptr;
  current_ = nullptr;
  current_sent_ = 0;
  hold_ = {};
  must_land_ = false;
  pause_ = Pause::None;
  watcher_.watch(true, false);
}

void ClientSession::stop_reading() {
  if (pause_ != Pause::Archive) return;
  archive_->forget(*this);
  pause_ = Pause::None;
}

void ClientSession::take(const streams::ChunkWindow::Item& item, proto::ChunkPtr chunk) {
  if (phase_ == Phase::Waiting && item.random_access != nullptr) {
    chunk = streams::lead_in(*chunk, *item.random_access);
  }
  send_next(std::move(chunk));
}

void ClientSession::send_next(proto::ChunkPtr chunk) {
  current_ = std::move(chunk);
  current_sent_ = 0;
  ++next_.value;
}

void ClientSession::skip() {
  if (!std::exchange(must_land_, true)) ++skips_;
  // The nearest to live: whoever could not keep up with the whole buffer gets as much room as there
  // is. At the end of the stream nothing more will come, so all that is left is the best.
  const bool is_end = phase_ == Phase::Finishing;
  next_ =
      is_end ? window_->entry_within(kAll).value_or(window_->oldest()) : window_->newest_entry();
}

void ClientSession::land() {
  const auto* item = window_->at(next_);
  if (item == nullptr) return;  // nothing is there yet
  must_land_ = false;
  if (hold_.count() > 0) hold_ = std::min(hold_, window_->age_at(*item, clock_.now()));
  send_next(streams::landing(*item->chunk, item->random_access.get()).chunk);
}

}  // namespace ace::clients
