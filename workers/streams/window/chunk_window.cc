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
  if (item.random_access != nullptr) newest_entry_ = edge();
  items_.push_back(std::move(item));
  while (items_.size() > 1 && exceeds(buffer_, 0, bytes_ + dropped_bytes_)) forget_oldest();
  if (!keeps_all_) {
    while (may_drop_oldest_chunk()) drop_oldest_chunk();
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

bool ChunkWindow::may_drop_oldest_chunk() const {
  if (oldest() >= stored_ || oldest().value + 1 >= edge().value) return false;
  if (!exceeds(memory_, dropped_, bytes_)) return false;
  return oldest() != newest_entry_ || exceeds(reach_, dropped_, bytes_);
}

void ChunkWindow::add_entry(proto::RandomAccessPoint point) {
  for (auto at = edge(); at > oldest();) {
    --at.value;
    auto& item = items_[at.value - first_];
    if (point.offset > item.chunk->size()) {
      point.offset -= item.chunk->size();
      continue;
    }
    if (item.random_access != nullptr) return;
    point.offset = item.chunk->size() - point.offset;
    item.random_access = std::make_shared<proto::RandomAccessPoint>(std::move(point));
    newest_entry_ = std::max(newest_entry_, at);
    return;
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
    if (item.random_access != nullptr) newest_entry_ = edge();
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
  newest_entry_ = {};
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

WindowPosition ChunkWindow::position_of(Items::const_iterator item) const {
  return {first_ + static_cast<std::uint64_t>(item - items_.begin())};
}

ChunkWindow::Items::const_iterator ChunkWindow::first_within(std::chrono::milliseconds age,
                                                             Items::const_iterator from) const {
  return std::find_if(from, items_.end(),
                      [&](const Item& item) { return age_of(item) <= age; });  // the newest one is
}

ChunkWindow::Items::const_iterator ChunkWindow::entry_near(Items::const_iterator from,
                                                           Items::const_iterator border) const {
  const auto is_entry = [](const Item& item) { return item.random_access != nullptr; };
  const auto found = std::find_if(border, items_.end(), is_entry);
  if (found != items_.end()) return found;
  const auto front = std::reverse_iterator{from};
  const auto older = std::find_if(std::reverse_iterator{border}, front, is_entry);
  return older == front ? items_.end() : std::prev(older.base());
}

bool ChunkWindow::is_within_reach(Items::const_iterator entry) const {
  if (age_of(*entry) > reach_.span) return false;
  std::size_t bytes = 0;
  for (; entry != items_.end(); ++entry) bytes += entry->chunk->size();
  return bytes <= reach_.bytes;
}

std::optional<WindowPosition> ChunkWindow::entry_within(std::chrono::milliseconds burst) const {
  if (items_.empty()) return std::nullopt;
  const auto from = items_.begin() + static_cast<std::ptrdiff_t>(dropped_);
  const auto border = first_within(burst, from);
  const auto entry = entry_near(from, border);
  if (entry == items_.end() || (entry < border && !is_within_reach(entry))) return std::nullopt;
  return position_of(entry);
}

bool ChunkWindow::has_no_entries() const {
  if (items_.empty() || newest_entry_.value >= first_) return false;
  // The buffer may be no longer than the reach, and is never quite full.
  return age_of(items_.front()) * 10 >= reach_.span * 9;
}

WindowPosition ChunkWindow::position_behind(std::chrono::milliseconds burst) const {
  if (items_.empty()) return edge();
  return position_of(first_within(burst, items_.begin() + static_cast<std::ptrdiff_t>(dropped_)));
}

WindowPosition ChunkWindow::delayed_position(std::chrono::milliseconds delay) const {
  if (items_.empty()) return edge();
  const auto border = first_within(delay, items_.begin());
  const auto entry = entry_near(items_.begin(), border);
  return position_of(entry == items_.end() ? border : entry);
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
