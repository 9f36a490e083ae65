#pragma once

#include "proto/mpeg_ts/program_tables.h"

namespace ace::proto {

/// Whether a decoder can begin at this payload, which is the first of a PES packet: a key frame's
/// parameter sets, a key frame's slice (H.264, H.265), a sequence header or an I picture (MPEG-2),
/// any audio. For encoders that do not set the adaptation field's flag; looks at this one packet
/// only, where all of them put what is looked for.
[[nodiscard]] bool begins_random_access(Codec codec, ByteSpan payload);

}  // namespace ace::proto
