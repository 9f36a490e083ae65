#include "workers/streams/ingest/seam_marker.h"

#include <algorithm>

#include "proto/mpeg_ts/discontinuity_marker.h"

namespace ace::streams {
namespace {

using proto::kTsPacketSize;

/// Some seconds of a stream, in which each of its PIDs speaks.
constexpr std::size_t kLookAt = 2_MiB / kTsPacketSize * kTsPacketSize;

std::uint8_t counter_of(ByteSpan packet) { return std::to_integer<std::uint8_t>(packet[3]) & 0x0F; }

bool has_payload(ByteSpan packet) { return (std::to_integer<unsigned>(packet[3]) & 0x10U) != 0; }

}  // namespace

void SeamMarker::note_end(proto::Pid pid, ByteSpan packet) { ends_[pid] = counter_of(packet); }

void SeamMarker::begin(Seam seam) {
  seam_ = seam;
  seen_.clear();
  left_ = kLookAt;
}

void SeamMarker::pass(ByteSpan packets, const std::function<bool(proto::Pid)>& is_media,
                      const Sink& sink) {
  std::size_t handed_on = 0;
  for (std::size_t at = 0; at < packets.size() && left_ > 0; at += kTsPacketSize) {
    const auto raw = packets.subspan(at, kTsPacketSize);
    const auto pid = proto::parse_ts_packet(raw).pid;
    left_ -= kTsPacketSize;
    if (!is_media(pid) || proto::is_discontinuity_marker(raw) || !needs_marker(pid, raw)) continue;
    if (at > handed_on) sink(packets.subspan(handed_on, at - handed_on));
    sink(proto::discontinuity_marker(raw));
    handed_on = at;
  }
  if (packets.size() > handed_on) sink(packets.subspan(handed_on));
}

bool SeamMarker::needs_marker(proto::Pid pid, ByteSpan packet) {
  if (!seen_.insert(pid).second) return false;
  const auto end = ends_.find(pid);
  if (end == ends_.end()) return seam_ == Seam::Jump;
  const auto awaited = (end->second + (has_payload(packet) ? 1U : 0U)) & 0x0FU;
  const bool goes_on = awaited == counter_of(packet);
  ends_.erase(end);
  if (ends_.empty() && seam_ == Seam::Exact) left_ = 0;
  return seam_ == Seam::Jump || !goes_on;
}

void SeamMarker::clear() {
  ends_.clear();
  seen_.clear();
  left_ = 0;
}

}  // namespace ace::streams
