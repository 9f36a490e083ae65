#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "proto/chunk.h"
#include "shared/base/bytes.h"

namespace ace::proto {

using Pid = std::uint16_t;
inline constexpr Pid kPatPid = 0x0000;
/// Below it lie tables that all streams have.
inline constexpr Pid kFirstFreePid = 0x0020;
inline constexpr Pid kNullPid = 0x1fff;

using RawTsPacket = std::array<std::byte, kTsPacketSize>;

/// Length of 2^33 ticks of 90 kHz, after which a PCR begins at 0 again, in units of 27 MHz.
inline constexpr std::uint64_t kPcrWrap = (std::uint64_t{1} << 33U) * 300;
inline constexpr std::uint64_t kPcrHz = 27'000'000;

/// What the header and the adaptation field of one 188-byte packet say (ISO/IEC 13818-1, 2.4.3).
/// Lengths that do not fit count as no payload.
struct TsPacket {
  Pid pid{};
  bool begins_unit{};  ///< payload_unit_start_indicator
  bool is_scrambled{};
  bool is_random_access{};             ///< adaptation field's flag
  bool is_discontinuity{};             ///< adaptation field's flag
  std::optional<std::uint64_t> pcr{};  ///< 27 MHz ticks, below kPcrWrap
  ByteSpan payload{};                  ///< into the packet
};

/// `packet` is 188 bytes long.
[[nodiscard]] TsPacket parse_ts_packet(ByteSpan packet);

}  // namespace ace::proto
