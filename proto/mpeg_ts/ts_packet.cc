#include "proto/mpeg_ts/ts_packet.h"

namespace ace::proto {
namespace {

std::uint64_t octet(ByteSpan bytes, std::size_t at) {
  return std::to_integer<std::uint64_t>(bytes[at]);
}

std::uint64_t read_pcr(ByteSpan bytes) {
  const std::uint64_t base = octet(bytes, 0) << 25U | octet(bytes, 1) << 17U |
                             octet(bytes, 2) << 9U | octet(bytes, 3) << 1U | octet(bytes, 4) >> 7U;
  const std::uint64_t extension = (octet(bytes, 4) & 1U) << 8U | octet(bytes, 5);
  return (base * 300 + extension) % kPcrWrap;  // junk counts up to 511 in an extension
}

/// `field` begins behind its length byte.
void read_adaptation_field(ByteSpan field, TsPacket& packet) {
  if (field.empty()) return;
  constexpr std::size_t kPcrSize = 6;
  const auto flags = octet(field, 0);
  packet.is_discontinuity = (flags & 0x80U) != 0;
  packet.is_random_access = (flags & 0x40U) != 0;
  const bool has_pcr = (flags & 0x10U) != 0 && field.size() >= 1 + kPcrSize;
  if (has_pcr) packet.pcr = read_pcr(field.subspan(1, kPcrSize));
}

}  // namespace

TsPacket parse_ts_packet(ByteSpan packet) {
  constexpr std::size_t kHeader = 4;
  TsPacket parsed;
  parsed.begins_unit = (octet(packet, 1) & 0x40U) != 0;
  parsed.pid = static_cast<Pid>((octet(packet, 1) & 0x1fU) << 8U | octet(packet, 2));
  parsed.is_scrambled = (octet(packet, 3) & 0xc0U) != 0;
  const bool has_field = (octet(packet, 3) & 0x20U) != 0;
  const bool has_payload = (octet(packet, 3) & 0x10U) != 0;
  std::size_t payload_at = kHeader;
  if (has_field) {
    const auto length = static_cast<std::size_t>(octet(packet, kHeader));
    payload_at = kHeader + 1 + length;
    if (payload_at > kTsPacketSize) return parsed;
    read_adaptation_field(packet.subspan(kHeader + 1, length), parsed);
  }
  if (has_payload) parsed.payload = packet.subspan(payload_at);
  return parsed;
}

}  // namespace ace::proto
