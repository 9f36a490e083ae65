#include "proto/mpeg_ts/discontinuity_marker.h"

#include "proto/mpeg_ts/ts_aligner.h"

namespace ace::proto {
namespace {

constexpr std::byte kDiscontinuity{0x80};
constexpr std::byte kWholeField{kTsPacketSize - 5};  // nothing but the adaptation field
constexpr std::byte kHasField{0x20};
constexpr std::byte kContent{0x30};  // adaptation field, payload

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

}  // namespace ace::proto
