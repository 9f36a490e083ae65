#include "workers/streams/store/read_back.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "shared/base/check.h"

namespace ace::streams {

ReadBack::ReadBack(proto::StreamId stream, redis::ChunkPipe& pipe, const ChunkWindow& window,
                   const Clock& clock, ReadBackLimits limits)
    : keys_{stream},
      pipe_{pipe},
      window_{window},
      clock_{clock},
      limits_{limits},
      alive_{std::make_shared<ReadBack*>(this)} {}

proto::ChunkPtr ReadBack::read(WindowPosition at, Reader& reader) {
  const auto kept = std::ranges::find(kept_, at, &Kept::at);
  if (kept != kept_.end()) {
    kept->used = clock_.now();
    std::rotate(kept, kept + 1, kept_.end());
    return kept_.back().chunk;
  }
  auto fetch = std::ranges::find(fetches_, at, [](const auto& one) { return one->at; });
  if (fetch == fetches_.end()) {
    const auto* item = window_.known_at(at);
    ACE_CHECK(item != nullptr && item->chunk == nullptr, "only what left memory is read back");
    fetches_.push_back(
        std::make_shared<Fetch>(Fetch{.at = at, .index = item->index, .print = item->print}));
    fetch = std::prev(fetches_.end());
  }
  (*fetch)->readers.push_back(&reader);
  ask_more();
  return nullptr;
}

void ReadBack::forget(Reader& reader) {
  std::erase(telling_, &reader);
  for (const auto& fetch : fetches_) std::erase(fetch->readers, &reader);
  // What is on its way comes all the same.
  std::erase_if(fetches_,
                [](const auto& fetch) { return !fetch->is_asked && fetch->readers.empty(); });
}

void ReadBack::ask_more() {
  for (const auto& fetch : fetches_) {
    if (fetch->is_asked) continue;
    const bool has_room =
        bytes_in_flight_ == 0 || bytes_in_flight_ + fetch->print.size <= limits_.bytes_in_flight;
    if (!has_room) return;
    ask(fetch);
  }
}

void ReadBack::ask(const std::shared_ptr<Fetch>& fetch) {
  fetch->is_asked = true;
  bytes_in_flight_ += fetch->print.size;
  pipe_.get(
      keys_.chunk(fetch->index),
      [fetch](std::size_t size) -> std::span<std::byte> {
        if (size != fetch->print.size) return {};
        fetch->chunk = proto::Chunk::allocate(size);
        return fetch->chunk->mutable_payload();
      },
      [weak = std::weak_ptr{alive_}, fetch](const Result<std::optional<std::size_t>>& answer) {
        const auto self = weak.lock();
        if (self) (*self)->on_answer(fetch, answer && answer->has_value());
      });
}

void ReadBack::on_answer(const std::shared_ptr<Fetch>& fetch, bool has_come) {
  bytes_in_flight_ -= fetch->print.size;
  std::erase(fetches_, fetch);
  proto::ChunkPtr chunk;
  if (has_come && ChunkPrint::of(fetch->chunk->payload()) == fetch->print) chunk = fetch->chunk;
  if (chunk) keep(fetch->at, chunk);
  telling_ = std::move(fetch->readers);
  while (!telling_.empty()) {
    auto* const reader = telling_.front();
    telling_.erase(telling_.begin());
    reader->on_read_back(chunk);
  }
  ask_more();
}

void ReadBack::keep(WindowPosition at, proto::ChunkPtr chunk) {
  kept_bytes_ += chunk->size();
  kept_.push_back({.at = at, .chunk = std::move(chunk), .used = clock_.now()});
  while (kept_.size() > 1 && kept_bytes_ > limits_.kept_bytes) drop_oldest();
}

void ReadBack::limit(ReadBackLimits limits) {
  limits_ = limits;
  while (kept_.size() > 1 && kept_bytes_ > limits_.kept_bytes) drop_oldest();
}

void ReadBack::tidy() {
  while (!kept_.empty() && clock_.now() - kept_.front().used > limits_.kept) drop_oldest();
}

void ReadBack::drop_oldest() {
  kept_bytes_ -= kept_.front().chunk->size();
  kept_.pop_front();
}

}  // namespace ace::streams
