#include "workers/streams/ingest/chunk_builder.h"

#include <algorithm>

#include "shared/base/check.h"

namespace ace::streams {

using proto::kTsPacketSize;

ChunkBuilder::ChunkBuilder(ChunkLimits limits, loop::TimerFactory& timers, Listener& listener)
    : max_bytes_{std::max(limits.max_bytes / kTsPacketSize, std::size_t{1}) * kTsPacketSize},
      max_age_{limits.max_age},
      listener_{listener},
      age_timer_{timers.make()} {
  staging_.reserve(max_bytes_);
}

void ChunkBuilder::add(ByteSpan packets) {
  ACE_CHECK(packets.size() % kTsPacketSize == 0, "chunks hold whole packets");
  const auto session = generation_;
  while (!packets.empty() && session == generation_) {  // the listener may discard
    if (staging_.empty() && packets.size() >= max_bytes_) {
      const auto payload = packets.first(max_bytes_);
      packets = packets.subspan(max_bytes_);
      cut(payload);
      continue;
    }
    const auto taken = std::min(max_bytes_ - staging_.size(), packets.size());
    stage(packets.first(taken));
    packets = packets.subspan(taken);
    if (staging_.size() == max_bytes_) cut_staged();
  }
}

void ChunkBuilder::stage(ByteSpan packets) {
  if (!age_timer_->is_armed()) age_timer_->once(max_age_, [this] { on_due(); });
  staging_.insert(staging_.end(), packets.begin(), packets.end());
}

void ChunkBuilder::on_due() {
  const auto session = generation_;
  listener_.on_chunk_due();
  if (session == generation_) cut_staged();
}

void ChunkBuilder::flush() {
  cut_staged();
  age_timer_->stop();
}

void ChunkBuilder::cut_staged() {
  if (!staging_.empty()) cut(staging_);
}

void ChunkBuilder::discard() {
  ++generation_;
  staging_.clear();
  age_timer_->stop();
}

void ChunkBuilder::cut(ByteSpan payload) {
  auto chunk = proto::Chunk::copy_of(payload);
  staging_.clear();
  // From now, not from the next byte: that one may wait where nobody sees it.
  age_timer_->once(max_age_, [this] { on_due(); });
  listener_.on_chunk(std::move(chunk));
}

}  // namespace ace::streams
