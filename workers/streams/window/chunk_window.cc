#include "workers/streams/window/chunk_window.h"

#include <algorithm>
#include <iterator>

namespace ace::streams {

bool ChunkWindow::exceeds(const Limits& limits, std::size_t from, std::size_t bytes) const {
  return bytes > limits.bytes || items_.size() - from > limits.chunks ||
         items_[from].arrived < items_.back().arrived - limits.span;
}

void ChunkWindow::push(Item item) {
  bytes_ += item.chunk->size();
  items_.push_back(std::move(item));
  while (items_.size() > 1 && exceeds(buffer_, 0, bytes_ + dropped_bytes_)) forget_oldest();
  if (!keeps_all_) {
    while (oldest() < stored_ && oldest().value + 1 < edge().value &&
           exceeds(memory_, dropped_, bytes_)) {
      drop_oldest_chunk();
    }
  }
  shrink();
}

void ChunkWindow::hold_at_most(std::size_t bytes) {
  most_bytes_ = bytes;
  shrink();
}

void ChunkWindow::shrink() {
  while (bytes_ > most_bytes_ && oldest().value + 1 < edge().value) {
    if (!keeps_all_ && oldest() < stored_) {
      drop_oldest_chunk();
    } else {
      forget_oldest();
    }
  }
}

void ChunkWindow::restore(std::vector<Item> items) {
  for (auto& item : items) {
    if (item.chunk == nullptr) {
      ++dropped_;
      dropped_bytes_ += item.print.size;
    } else {
      bytes_ += item.chunk->size();
    }
    items_.push_back(std::move(item));
  }
}

void ChunkWindow::forget_oldest() {
  if (dropped_ > 0) {
    dropped_bytes_ -= items_.front().print.size;
    --dropped_;
  } else {
    bytes_ -= items_.front().chunk->size();
  }
  items_.pop_front();
  ++first_;
}

void ChunkWindow::drop_oldest_chunk() {
  auto& item = items_[dropped_];
  item.print = ChunkPrint::of(item.chunk->payload());
  item.chunk.reset();
  bytes_ -= item.print.size;
  dropped_bytes_ += item.print.size;
  ++dropped_;
}

void ChunkWindow::on_stored(proto::ChunkCursor newest) {
  stored_ = std::max(stored_, WindowPosition{first_});
  for (const auto* item = known_at(stored_); item != nullptr; item = known_at(stored_)) {
    if (item->epoch >= newest.epoch && item->index > newest.index) return;
    ++stored_.value;
  }
}

void ChunkWindow::clear() {
  first_ += items_.size();
  items_.clear();
  dropped_ = bytes_ = dropped_bytes_ = 0;
}

const ChunkWindow::Item* ChunkWindow::at(WindowPosition position) const {
  return position < oldest() ? nullptr : known_at(position);
}

const ChunkWindow::Item* ChunkWindow::known_at(WindowPosition position) const {
  if (position.value < first_ || position >= edge()) return nullptr;
  return &items_[position.value - first_];
}

std::chrono::nanoseconds ChunkWindow::age_of(const Item& item) const {
  const auto& newest = items_.back();
  // Media time, for an engine may deliver minutes in one burst.
  const bool has_clock = newest.media_time > items_.front().media_time;
  return has_clock ? newest.media_time - item.media_time : newest.arrived - item.arrived;
}

std::chrono::nanoseconds ChunkWindow::age_at(const Item& item, SteadyTime now) const {
  return age_of(item) + (now - items_.back().arrived);
}

WindowPosition ChunkWindow::join_position(std::chrono::milliseconds burst) const {
  return entry_within(burst, dropped_);
}

WindowPosition ChunkWindow::delayed_position(std::chrono::milliseconds delay) const {
  return entry_within(delay, 0);
}

WindowPosition ChunkWindow::entry_within(std::chrono::milliseconds age, std::size_t from) const {
  if (items_.empty()) return edge();
  const auto is_entry = [](const Item& item) { return item.random_access != nullptr; };
  const auto is_recent = [&](const Item& item) { return age_of(item) <= age; };
  const auto oldest = items_.begin() + static_cast<std::ptrdiff_t>(from);
  const auto first = std::find_if(oldest, items_.end(), is_recent);  // the newest one is
  auto begin = std::find_if(first, items_.end(), is_entry);
  if (begin == items_.end()) {
    const auto front = std::reverse_iterator{oldest};
    const auto older = std::find_if(std::reverse_iterator{first}, front, is_entry);
    begin = older == front ? first : std::prev(older.base());
  }
  return {first_ + static_cast<std::uint64_t>(begin - items_.begin())};
}

WindowPosition ChunkWindow::newest_entry() const {
  for (auto at = edge(); at > oldest();) {
    --at.value;
    if (known_at(at)->random_access != nullptr) return at;
  }
  return items_.empty() ? edge() : WindowPosition{edge().value - 1};
}

std::size_t ChunkWindow::run_before(std::size_t end) const {
  auto begin = end - 1;
  while (begin > 0 && items_[begin - 1].index < items_[begin].index) --begin;
  return begin;
}

std::optional<WindowPosition> ChunkWindow::behind(proto::ChunkCursor cursor) const {
  if (items_.empty()) return std::nullopt;
  std::size_t begin = 0;
  for (auto end = items_.size(); end > 0; end = begin) {
    begin = run_before(end);
    const bool is_beyond = items_[end - 1].index < cursor.index;
    const bool is_of_older_run = cursor.epoch < items_[begin].epoch && (is_beyond || begin > 0);
    if (is_of_older_run) continue;
    if (is_beyond && end == items_.size()) return std::nullopt;
    const auto from = items_.begin() + static_cast<std::ptrdiff_t>(begin);
    const auto to = items_.begin() + static_cast<std::ptrdiff_t>(end);
    const auto next = std::ranges::upper_bound(from, to, cursor.index, {}, &Item::index);
    return WindowPosition{first_ + static_cast<std::uint64_t>(next - items_.begin())};
  }
  return WindowPosition{first_};
}

}  // namespace ace::streams
