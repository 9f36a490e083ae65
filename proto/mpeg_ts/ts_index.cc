#include "proto/mpeg_ts/ts_index.h"

#include <utility>

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
  run_ = bytes_;
  for (; packets.size() >= kTsPacketSize; packets = packets.subspan(kTsPacketSize)) {
    const auto raw = packets.first(kTsPacketSize);
    const auto packet = parse_ts_packet(raw);
    if (tables_.is_table(packet.pid)) tables_.feed(packet, raw);
    if (packet.pcr) follow_pcr(packet);
    if (packet.begins_unit || unit_) follow_units(packet, scanned);
    bytes_ += kTsPacketSize;
  }
  return scanned;
}

void TsIndex::follow_units(const TsPacket& packet, Scanned& scanned) {
  if (tables_.is_table(packet.pid)) return;
  if (packet.begins_unit) tables_.note_unit(packet.pid);
  const auto& main = tables_.main_stream();
  if (!main || packet.pid != main->pid) return;
  if (unit_ && unit_->stream != *main) unit_.reset();
  if (packet.begins_unit) {
    settle(Verdict::Untold, scanned);
    if (!scanned.random_access) begin_unit(packet, scanned);
  } else if (unit_ && packet.is_scrambled) {
    settle(Verdict::Untold, scanned);
  } else if (unit_) {
    settle(access_unit_.feed(packet.payload), scanned);
  }
}

void TsIndex::begin_unit(const TsPacket& packet, Scanned& scanned) {
  const auto stream = *tables_.main_stream();
  access_unit_.begin(stream.codec);
  const auto verdict = packet.is_scrambled ? Verdict::Untold : access_unit_.feed(packet.payload);
  if (verdict == Verdict::NoEntry) return;
  auto tables = tables_.packets();
  if (tables.empty()) return;
  unit_ = OpenUnit{.stream = stream,
                   .begun_at = bytes_,
                   .is_flagged = packet.is_random_access,
                   .tables = std::move(tables)};
  settle(verdict, scanned);
}

void TsIndex::settle(Verdict verdict, Scanned& scanned) {
  if (!unit_ || verdict == Verdict::Open) return;
  auto unit = *std::exchange(unit_, std::nullopt);
  const bool is_by_flag = verdict == Verdict::Untold || verdict == Verdict::Intra;
  if (verdict != Verdict::Entry && !(is_by_flag && unit.is_flagged)) return;
  const bool is_earlier = unit.begun_at < run_;
  const auto offset = is_earlier ? run_ - unit.begun_at : unit.begun_at - run_;
  auto& place = is_earlier ? scanned.earlier : scanned.random_access;
  place = RandomAccessPoint{.offset = offset, .tables = std::move(unit.tables)};
}

void TsIndex::follow_pcr(const TsPacket& packet) {
  const auto clock = tables_.pcr_pid();
  if (clock && packet.pid != *clock) return;
  if (std::exchange(pcr_pid_, clock) != clock && clock)
    last_pcr_.reset();  // another program's time
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
