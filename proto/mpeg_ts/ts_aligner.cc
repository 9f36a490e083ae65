#include "proto/mpeg_ts/ts_aligner.h"

#include <algorithm>

namespace ace::proto {
namespace {

/// Whether a run of packets begins at `at`, for all that `bytes` shows of it.
bool may_begin_run(ByteSpan bytes, std::size_t at) {
  const auto end = std::min(bytes.size(), at + TsAligner::kProofSize);
  for (std::size_t i = at; i < end; i += kTsPacketSize) {
    if (bytes[i] != kTsSyncByte) return false;
  }
  return true;
}

/// The first place where a run of packets begins or may begin; the size if there is none.
std::size_t find_run(ByteSpan bytes) {
  auto at = bytes.begin();
  while ((at = std::find(at, bytes.end(), kTsSyncByte)) != bytes.end()) {
    const auto place = static_cast<std::size_t>(at - bytes.begin());
    if (may_begin_run(bytes, place)) return place;
    ++at;
  }
  return bytes.size();
}

}  // namespace

void TsAligner::feed(ByteSpan bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (is_aligned_) {
      bytes = held_size_ > 0 ? complete_held(bytes, sink) : pass_packets(bytes, sink);
    } else {
      bytes = held_size_ > 0 ? search_held(bytes, sink) : search(bytes);
    }
  }
}

void TsAligner::reset() {
  drop_held(held_size_);
  is_aligned_ = false;
}

ByteSpan TsAligner::search(ByteSpan bytes) {
  const auto place = find_run(bytes);
  dropped_bytes_ += place;
  const auto run = bytes.subspan(place);
  if (run.size() < kProofSize) return hold_up_to(kProofSize, run);
  is_aligned_ = true;
  return run;
}

ByteSpan TsAligner::search_held(ByteSpan bytes, const Sink& sink) {
  const auto rest = hold_up_to(kProofSize, bytes);
  drop_held(find_run(held_bytes()));
  if (held_size_ < kProofSize) return rest;
  is_aligned_ = true;
  sink({held_.data(), kProvenPackets * kTsPacketSize});
  held_[0] = held_[kProofSize - 1];  // the next packet's sync byte
  held_size_ = 1;
  return rest;
}

ByteSpan TsAligner::pass_packets(ByteSpan bytes, const Sink& sink) {
  std::size_t run = 0;
  while (run < bytes.size() && bytes[run] == kTsSyncByte && bytes.size() - run >= kTsPacketSize) {
    run += kTsPacketSize;
  }
  if (run > 0) sink(bytes.first(run));
  const auto rest = bytes.subspan(run);
  if (rest.empty()) return rest;
  if (rest.front() == kTsSyncByte) return hold_up_to(kTsPacketSize, rest);
  is_aligned_ = false;
  ++sync_losses_;
  return rest;
}

ByteSpan TsAligner::complete_held(ByteSpan bytes, const Sink& sink) {
  const auto rest = hold_up_to(kTsPacketSize, bytes);
  if (held_size_ == kTsPacketSize) {
    sink({held_.data(), kTsPacketSize});
    held_size_ = 0;
  }
  return rest;
}

ByteSpan TsAligner::hold_up_to(std::size_t target, ByteSpan bytes) {
  const auto taken = std::min(target - held_size_, bytes.size());
  std::copy_n(bytes.begin(), taken, held_.begin() + static_cast<std::ptrdiff_t>(held_size_));
  held_size_ += taken;
  return bytes.subspan(taken);
}

void TsAligner::drop_held(std::size_t count) {
  std::copy(held_.begin() + static_cast<std::ptrdiff_t>(count),
            held_.begin() + static_cast<std::ptrdiff_t>(held_size_), held_.begin());
  held_size_ -= count;
  dropped_bytes_ += count;
}

}  // namespace ace::proto
