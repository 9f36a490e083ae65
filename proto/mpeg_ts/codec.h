#pragma once

#include <cstdint>

#include "shared/base/bytes.h"

namespace ace::proto {

/// How an elementary stream is coded, as far as finding its random access points needs it.
enum class Codec : std::uint8_t {
  Mpeg2Video,
  H264,
  H265,
  H266,
  OtherVideo,  ///< its pictures are not looked into
  Audio,
  Other,
};

/// By an entry of a PMT: the stream type, and where that only says "private data" the descriptors
/// (ISO/IEC 13818-1, 2.4.4.10; ETSI EN 300 468, annexes D and H).
[[nodiscard]] Codec codec_of(unsigned stream_type, ByteSpan descriptors);

[[nodiscard]] bool is_video(Codec codec);

}  // namespace ace::proto
