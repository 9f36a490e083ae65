#include "workers/streams/window/chunk_window.h"

#include <algorithm>
#include <iterator>

namespace ace::streams {

void ChunkWindow::push(Item item) {
  bytes_ += item.chunk->size();
  items_.push_back(std::move(item));
  const auto too_old = items_.back().arrived - limits_.span;
  while (items_.size() > 1 && (bytes_ > limits_.bytes || items_.front().arrived < too_old)) {
    bytes_ -= items_.front().chunk->size();
    items_.pop_front();
    ++first_;
  }
}

void ChunkWindow::clear() {
  first_ += items_.size();
  items_.clear();
  bytes_ = 0;
}

const ChunkWindow::Item* ChunkWindow::at(WindowPosition position) const {
  if (position.value < first_ || position.value >= first_ + items_.size()) return nullptr;
  return &items_[position.value - first_];
}

std::chrono::nanoseconds ChunkWindow::age_of(const Item& item) const {
  const auto& newest = items_.back();
  // Media time, for an engine may deliver minutes in one burst.
  const bool has_clock = newest.media_time > items_.front().media_time;
  return has_clock ? newest.media_time - item.media_time : newest.arrived - item.arrived;
}

WindowPosition ChunkWindow::join_position(std::chrono::milliseconds burst) const {
  if (items_.empty()) return edge();
  const auto is_entry = [](const Item& item) { return item.random_access != nullptr; };
  const auto is_recent = [&](const Item& item) { return age_of(item) <= burst; };
  const auto first = std::ranges::find_if(items_, is_recent);  // the newest one is
  auto begin = std::find_if(first, items_.end(), is_entry);
  if (begin == items_.end()) {
    const auto older = std::find_if(std::reverse_iterator{first}, items_.rend(), is_entry);
    begin = older == items_.rend() ? first : std::prev(older.base());
  }
  return {first_ + static_cast<std::uint64_t>(begin - items_.begin())};
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
  return oldest();
}

}  // namespace ace::streams
