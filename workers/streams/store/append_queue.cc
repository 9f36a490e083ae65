#include "workers/streams/store/append_queue.h"

#include <algorithm>
#include <utility>

namespace ace::streams {

void AppendQueue::push(proto::ChunkPtr chunk) {
  const auto index = std::exchange(next_, next_.next());
  bytes_ += chunk->size();
  items_.push_back(Item{.first = index, .last = index, .chunk = std::move(chunk)});
  shrink();
}

void AppendQueue::leave_out(proto::ChunkIndex next) {
  given_up_ += next.value - next_.value;
  items_.push_back(Item{.first = next_, .last = {next.value - 1}});
  next_ = next;
}

void AppendQueue::shrink() {
  while (bytes_ > max_bytes_ && sent_ < items_.size()) {
    Item& oldest = items_[sent_];
    if (!oldest.is_skip()) {
      give_up(oldest);
      continue;
    }
    if (sent_ + 1 == items_.size()) return;
    // One run instead of thousands of skips: an outage may be long.
    Item& second = items_[sent_ + 1];
    if (!second.is_skip()) give_up(second);
    second.first = oldest.first;
    items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(sent_));
  }
}

void AppendQueue::give_up(Item& item) {
  bytes_ -= item.bytes();
  item.chunk.reset();
  ++given_up_;
}

void AppendQueue::mark_sent() {
  bytes_in_flight_ += items_[sent_].bytes();
  ++sent_;
}

void AppendQueue::unsend_all() {
  sent_ = 0;
  bytes_in_flight_ = 0;
  for (Item& item : items_) {
    if (item.has_no_room && !item.is_skip()) give_up(item);
  }
}

void AppendQueue::commit(proto::ChunkIndex index) {
  while (!items_.empty() && items_.front().last <= index) {
    const auto size = items_.front().bytes();
    bytes_ -= size;
    if (sent_ > 0) {
      --sent_;
      bytes_in_flight_ -= size;
    }
    items_.pop_front();
  }
  // A run of which Redis has a part already: what is left of it.
  if (!items_.empty() && items_.front().first <= index) items_.front().first = index.next();
  committed_ = std::max(committed_, index);
}

AppendQueue::Item* AppendQueue::find(proto::ChunkIndex index) {
  const auto found = std::ranges::find(items_, index, &Item::first);
  return found == items_.end() ? nullptr : &*found;
}

}  // namespace ace::streams
