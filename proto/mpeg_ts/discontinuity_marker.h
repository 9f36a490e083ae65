#pragma once

#include <cstddef>
#include <vector>

#include "proto/mpeg_ts/ts_packet.h"

namespace ace::proto {

/// Announces that the packets of `next`'s PID jump there: a packet of that PID without payload. Its
/// continuity counter is the one before `next`'s, which so follows it properly.
[[nodiscard]] RawTsPacket discontinuity_marker(ByteSpan next);

/// No payload, and nothing in the adaptation field but the discontinuity indicator.
[[nodiscard]] bool is_discontinuity_marker(ByteSpan packet);

/// Markers for all elementary streams of `media` (whole packets), to stand in front of it when what
/// came before is missing: for each PID that begins a PES packet there or carries a PCR, else for
/// the one with the most packets. Tables need none, they come again.
[[nodiscard]] std::vector<std::byte> jump_markers(ByteSpan media);

}  // namespace ace::proto
