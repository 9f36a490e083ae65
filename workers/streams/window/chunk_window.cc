#include "workers/streams/window/chunk_window.h"

#include <algorithm>

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

WindowPosition ChunkWindow::join_position(std::chrono::milliseconds burst) const {
  if (items_.empty()) return edge();
  const auto from = items_.back().arrived - burst;
  const auto first =
      std::ranges::find_if(items_, [from](const Item& item) { return item.arrived >= from; });
  return {first_ + static_cast<std::uint64_t>(first - items_.begin())};
}

}  // namespace ace::streams
