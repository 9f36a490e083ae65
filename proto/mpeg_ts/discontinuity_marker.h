#pragma once

#include "proto/mpeg_ts/ts_packet.h"

namespace ace::proto {

/// Announces that the packets of `next`'s PID jump there: a packet of that PID without payload. Its
/// continuity counter is the one before `next`'s, which so follows it properly.
[[nodiscard]] RawTsPacket discontinuity_marker(ByteSpan next);

/// No payload, and nothing in the adaptation field but the discontinuity indicator.
[[nodiscard]] bool is_discontinuity_marker(ByteSpan packet);

}  // namespace ace::proto
