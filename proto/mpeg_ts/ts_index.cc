#include "proto/mpeg_ts/ts_index.h"

#include "proto/mpeg_ts/random_access.h"

namespace ace::proto {
namespace {

using std::chrono::nanoseconds;
using std::chrono::seconds;

/// PCRs come at least every 100 ms; more than this is another clock, not time that went by.
constexpr std::uint64_t kLargestStep = 10 * kPcrHz;
constexpr seconds kRateOver{2};

nanoseconds duration_of(std::uint64_t pcr_ticks) {
  return nanoseconds{pcr_ticks * 1'000 / (kPcrHz / 1'000'000)};
}

}  // namespace

TsIndex::Scanned TsIndex::scan(ByteSpan packets) {
  Scanned scanned;
  for (std::size_t at = 0; at + kTsPacketSize <= packets.size(); at += kTsPacketSize) {
    const auto raw = packets.subspan(at, kTsPacketSize);
    const auto packet = parse_ts_packet(raw);
    bytes_ += kTsPacketSize;
    tables_.feed(packet, raw);
    if (packet.pcr) follow_pcr(packet);
    if (scanned.random_access || !packet.begins_unit || !is_random_access(packet)) continue;
    if (auto tables = tables_.packets(); !tables.empty()) {
      scanned.random_access = RandomAccessPoint{.offset = at, .tables = std::move(tables)};
    }
  }
  return scanned;
}

bool TsIndex::is_random_access(const TsPacket& packet) const {
  const auto codec = tables_.codec_of(packet.pid);
  if (!codec) return false;
  // Sound begins anywhere, which is no place for a film; of what we cannot read, the flag is all.
  if (!is_video(*codec) && tables_.has_video()) return false;
  if (packet.is_random_access && *codec != Codec::Audio) return true;
  return !packet.is_scrambled && begins_random_access(*codec, packet.payload);
}

void TsIndex::follow_pcr(const TsPacket& packet) {
  if (tables_.pcr_pid() && packet.pid != *tables_.pcr_pid()) return;
  if (last_pcr_ && !packet.is_discontinuity) {
    const auto step = (*packet.pcr + kPcrWrap - *last_pcr_) % kPcrWrap;
    if (step <= kLargestStep) media_time_ += duration_of(step);
  }
  last_pcr_ = packet.pcr;
  measure_rate();
}

void TsIndex::measure_rate() {
  const auto span = media_time_ - measured_at_;
  if (span < kRateOver) return;
  const auto bits = (bytes_ - measured_bytes_) * 8;
  bits_per_second_ = bits * 1'000 /
                     static_cast<std::uint64_t>(
                         std::chrono::duration_cast<std::chrono::milliseconds>(span).count());
  measured_at_ = media_time_;
  measured_bytes_ = bytes_;
}

}  // namespace ace::proto
