#include "proto/mpeg_ts/ts_aligner.h"

#include <algorithm>
#include <utility>

namespace ace::proto {
namespace {

/// What bytes show of a run of packets that may begin with them.
enum class Proof { Refuted, Open, Whole };

Proof proof_of(ByteSpan bytes, std::size_t gap) {
  const auto size = TsAligner::proof_size(gap);
  const auto end = std::min(bytes.size(), size);
  for (std::size_t i = 0; i < end; i += kTsPacketSize + gap) {
    if (bytes[i] != kTsSyncByte) return Proof::Refuted;
  }
  return end == size ? Proof::Whole : Proof::Open;
}

/// The first place where a run of packets begins or may begin; the size if there is none.
struct FoundRun {
  std::size_t place{};
  std::size_t gap{};
  bool is_proven{};
};

FoundRun find_run(ByteSpan bytes) {
  auto at = bytes.begin();
  while ((at = std::find(at, bytes.end(), kTsSyncByte)) != bytes.end()) {
    const auto place = static_cast<std::size_t>(at - bytes.begin());
    for (const auto gap : TsAligner::kGaps) {
      const auto proof = proof_of(bytes.subspan(place), gap);
      // One that is open is waited for, so that the cut of the bytes never decides.
      if (proof != Proof::Refuted) return {place, gap, proof == Proof::Whole};
    }
    ++at;
  }
  return {.place = bytes.size()};
}

}  // namespace

void TsAligner::feed(ByteSpan bytes, const Sink& sink) {
  while (!bytes.empty()) {
    if (!is_aligned_) {
      bytes = held_size_ > 0 ? search_held(bytes, sink) : search(bytes);
    } else if (place_.gap_left > 0) {
      bytes = pass_gap(bytes);
    } else {
      bytes = held_size_ > 0 ? complete_held(bytes, sink) : pass_packets(bytes, sink);
    }
  }
}

void TsAligner::reset() {
  drop_held(held_size_);
  is_aligned_ = false;
  place_ = {};
}

ByteSpan TsAligner::search(ByteSpan bytes) {
  const auto found = find_run(bytes);
  dropped_bytes_ += found.place;
  const auto run = bytes.subspan(found.place);
  if (!found.is_proven) return hold_up_to(held_.size(), run);
  continue_run({.gap = found.gap});
  return run;
}

ByteSpan TsAligner::search_held(ByteSpan bytes, const Sink& sink) {
  const auto rest = hold_up_to(proof_size(find_run(held_bytes()).gap), bytes);
  const auto found = find_run(held_bytes());
  drop_held(found.place);
  if (!found.is_proven) return rest;
  const auto proof = held_;
  const auto size = std::exchange(held_size_, 0);
  continue_run({.gap = found.gap});
  feed(ByteSpan{proof}.first(size), sink);
  return rest;
}

ByteSpan TsAligner::pass_packets(ByteSpan bytes, const Sink& sink) {
  // As many as lie side by side in one go.
  const auto most = place_.gap == 0 ? bytes.size() : kTsPacketSize;
  std::size_t run = 0;
  while (run < most && bytes[run] == kTsSyncByte && bytes.size() - run >= kTsPacketSize) {
    run += kTsPacketSize;
  }
  const auto rest = bytes.subspan(run);
  if (run > 0) {
    place_.gap_left = place_.gap;
    sink(bytes.first(run));
    if (place_.gap > 0) return rest;
  }
  if (rest.empty()) return rest;
  if (rest.front() == kTsSyncByte) return hold_up_to(kTsPacketSize, rest);
  is_aligned_ = false;
  ++sync_losses_;
  return rest;
}

ByteSpan TsAligner::pass_gap(ByteSpan bytes) {
  const auto passed = std::min(place_.gap_left, bytes.size());
  place_.gap_left -= passed;
  unwrapped_bytes_ += passed;
  return bytes.subspan(passed);
}

ByteSpan TsAligner::complete_held(ByteSpan bytes, const Sink& sink) {
  const auto rest = hold_up_to(kTsPacketSize, bytes);
  if (held_size_ == kTsPacketSize) {
    sink({held_.data(), kTsPacketSize});
    held_size_ = 0;
    place_.gap_left = place_.gap;
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
