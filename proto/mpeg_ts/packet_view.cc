#include "proto/mpeg_ts/packet_view.h"

namespace ace::proto {
namespace {

constexpr unsigned kDiscontinuity = 0x80;
constexpr unsigned kRandomAccess = 0x40;
constexpr unsigned kHasPcr = 0x10;
constexpr unsigned kWholeField = kTsPacketSize - 5;  // nothing but the adaptation field

}  // namespace

std::uint16_t PacketView::pid() const {
  return static_cast<std::uint16_t>((at(1) & 0x1FU) << 8U | at(2));
}

std::size_t PacketView::payload_offset() const {
  return (at(3) & 0x20U) != 0 ? std::size_t{5} + at(4) : std::size_t{4};
}

bool PacketView::is_random_access() const {
  if (!starts_unit() || !has_payload() || !has_adaptation()) return false;
  if ((at(5) & kRandomAccess) == 0) return false;
  const auto payload = payload_offset();
  return payload + 3 <= kTsPacketSize && at(payload) == 0 && at(payload + 1) == 0 &&
         at(payload + 2) == 1;
}

bool PacketView::is_discontinuity_marker() const {
  return has_adaptation() && !has_payload() && at(4) == kWholeField && at(5) == kDiscontinuity;
}

bool PacketView::read_pcr(std::uint64_t& base) const {
  if (!has_adaptation() || at(4) < 7 || (at(5) & kHasPcr) == 0) return false;
  base = std::uint64_t{at(6)} << 25U | std::uint64_t{at(7)} << 17U | std::uint64_t{at(8)} << 9U |
         std::uint64_t{at(9)} << 1U | at(10) >> 7U;
  return true;
}

std::vector<std::uint16_t> PacketView::pmt_pids() const {
  std::vector<std::uint16_t> pids;
  if (!is_pat() || !starts_unit() || !has_payload()) return pids;
  const auto payload = payload_offset();
  if (payload >= kTsPacketSize) return pids;
  const auto section = payload + 1 + at(payload);
  if (section + 8 > kTsPacketSize || at(section) != 0) return pids;
  const std::size_t length = (at(section + 1) & 0x0FU) << 8U | at(section + 2);
  const auto end = section + 3 + length;  // the last four bytes are the CRC
  if (end > kTsPacketSize) return pids;
  for (auto program = section + 8; program + 4 + 4 <= end; program += 4) {
    const auto number = at(program) << 8U | at(program + 1);
    const auto pid = (at(program + 2) & 0x1FU) << 8U | at(program + 3);
    if (number != 0) pids.push_back(static_cast<std::uint16_t>(pid));  // 0: the network's table
  }
  return pids;
}

RawTsPacket discontinuity_marker(PacketView next) {
  const auto head = next.bytes();
  const auto counter = (std::to_integer<unsigned>(head[3]) - 1U) & 0x0FU;
  RawTsPacket packet{};
  packet.fill(std::byte{0xFF});
  packet[0] = std::byte{0x47};
  packet[1] = head[1] & std::byte{0x1F};
  packet[2] = head[2];
  packet[3] = std::byte{static_cast<std::uint8_t>(0x20U | counter)};
  packet[4] = std::byte{kWholeField};
  packet[5] = std::byte{kDiscontinuity};
  return packet;
}

}  // namespace ace::proto
