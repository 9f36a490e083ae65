#include "proto/mpeg_ts/discontinuity_marker.h"

#include <algorithm>

#include "proto/mpeg_ts/ts_aligner.h"

namespace ace::proto {
namespace {

constexpr std::byte kDiscontinuity{0x80};
constexpr std::byte kWholeField{kTsPacketSize - 5};  // nothing but the adaptation field
constexpr std::byte kHasField{0x20};
constexpr std::byte kContent{0x30};  // adaptation field, payload

/// More elementary streams than any programme has; junk must not cost more.
constexpr std::size_t kMaxPids = 64;

/// The packets of one PID in a run.
struct PidRun {
  Pid pid{};
  ByteSpan first;
  std::size_t packets{};
  bool is_elementary{};
};

bool begins_pes(const TsPacket& packet) {
  return packet.begins_unit && packet.payload.size() >= 3 && packet.payload[0] == std::byte{0} &&
         packet.payload[1] == std::byte{0} && packet.payload[2] == std::byte{1};
}

std::vector<PidRun> pids_of(ByteSpan media) {
  std::vector<PidRun> runs;
  for (; media.size() >= kTsPacketSize; media = media.subspan(kTsPacketSize)) {
    const auto raw = media.first(kTsPacketSize);
    const auto packet = parse_ts_packet(raw);
    if (packet.pid == kNullPid || packet.pid < kFirstFreePid) continue;
    auto run = std::ranges::find(runs, packet.pid, &PidRun::pid);
    if (run == runs.end()) {
      if (runs.size() == kMaxPids) continue;
      runs.push_back({.pid = packet.pid, .first = raw});
      run = std::prev(runs.end());
    }
    ++run->packets;
    run->is_elementary = run->is_elementary || packet.pcr || begins_pes(packet);
  }
  return runs;
}

}  // namespace

RawTsPacket discontinuity_marker(ByteSpan next) {
  const auto counter = (std::to_integer<unsigned>(next[3]) - 1U) & 0x0FU;
  RawTsPacket packet{};
  packet.fill(std::byte{0xFF});
  packet[0] = kTsSyncByte;
  packet[1] = next[1] & std::byte{0x1F};
  packet[2] = next[2];
  packet[3] = kHasField | std::byte{static_cast<std::uint8_t>(counter)};
  packet[4] = kWholeField;
  packet[5] = kDiscontinuity;
  return packet;
}

bool is_discontinuity_marker(ByteSpan packet) {
  return (packet[3] & kContent) == kHasField && packet[4] == kWholeField &&
         packet[5] == kDiscontinuity;
}

std::vector<std::byte> jump_markers(ByteSpan media) {
  auto runs = pids_of(media);
  if (runs.empty()) return {};
  if (std::ranges::none_of(runs, &PidRun::is_elementary)) {
    std::ranges::max_element(runs, {}, &PidRun::packets)->is_elementary = true;
  }
  std::vector<std::byte> markers;
  for (const auto& run : runs) {
    if (!run.is_elementary) continue;
    const auto marker = discontinuity_marker(run.first);
    markers.insert(markers.end(), marker.begin(), marker.end());
  }
  return markers;
}

}  // namespace ace::proto
