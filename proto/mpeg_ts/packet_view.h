#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "proto/chunk.h"

namespace ace::proto {

using RawTsPacket = std::array<std::byte, kTsPacketSize>;

/// What one whole packet says of itself. Reads within the packet whatever its bytes are.
class PacketView {
 public:
  using Bytes = std::span<const std::byte, kTsPacketSize>;

  explicit PacketView(Bytes packet) : packet_{packet} {}

  [[nodiscard]] std::uint16_t pid() const;
  [[nodiscard]] bool is_null() const { return pid() == kNullPid; }
  [[nodiscard]] bool is_pat() const { return pid() == kPatPid; }
  /// A PES packet begins here, at a place where a decoder can start.
  [[nodiscard]] bool is_random_access() const;
  /// No payload, and nothing in the adaptation field but the discontinuity indicator.
  [[nodiscard]] bool is_discontinuity_marker() const;
  /// The PCR's base: 33 bits that count 90 kHz; false without one.
  [[nodiscard]] bool read_pcr(std::uint64_t& base) const;
  /// Where the programs of a PAT have their PMTs; empty when this is no whole PAT.
  [[nodiscard]] std::vector<std::uint16_t> pmt_pids() const;
  [[nodiscard]] Bytes bytes() const { return packet_; }

  static constexpr std::uint16_t kPatPid = 0x0000;
  static constexpr std::uint16_t kNullPid = 0x1FFF;
  /// Below it lie tables that all streams have.
  static constexpr std::uint16_t kFirstFreePid = 0x0020;

 private:
  [[nodiscard]] unsigned at(std::size_t index) const {
    return std::to_integer<unsigned>(packet_[index]);
  }
  [[nodiscard]] bool has_adaptation() const { return (at(3) & 0x20U) != 0 && at(4) > 0; }
  [[nodiscard]] bool has_payload() const { return (at(3) & 0x10U) != 0; }
  [[nodiscard]] bool starts_unit() const { return (at(1) & 0x40U) != 0; }
  [[nodiscard]] std::size_t payload_offset() const;

  Bytes packet_;
};

/// Announces that the packets of `next`'s PID jump there: a packet of that PID without payload. Its
/// continuity counter is the one before `next`'s, which so follows it properly.
[[nodiscard]] RawTsPacket discontinuity_marker(PacketView next);

}  // namespace ace::proto
