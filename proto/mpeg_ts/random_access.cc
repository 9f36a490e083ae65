#include "proto/mpeg_ts/random_access.h"

#include <optional>

namespace ace::proto {
namespace {

unsigned octet(ByteSpan bytes, std::size_t at) { return std::to_integer<unsigned>(bytes[at]); }

/// What lies behind the PES header; nothing when this is none.
std::optional<ByteSpan> elementary_bytes(ByteSpan payload) {
  constexpr std::size_t kFixed = 9;
  if (payload.size() < kFixed) return std::nullopt;
  if (octet(payload, 0) != 0 || octet(payload, 1) != 0 || octet(payload, 2) != 1) {
    return std::nullopt;
  }
  const std::size_t header = kFixed + octet(payload, 8);
  if (header > payload.size()) return std::nullopt;
  return payload.subspan(header);
}

bool is_h264_entry(unsigned unit) {
  const unsigned type = unit & 0x1fU;
  return type == 5 || type == 7;  // IDR slice, sequence parameter set
}

bool is_h265_entry(unsigned unit) {
  const unsigned type = unit >> 1U & 0x3fU;
  return (type >= 16 && type <= 21) || type == 32 || type == 33;  // IRAP slices, VPS, SPS
}

bool is_mpeg2_entry(ByteSpan from_code) {
  const unsigned code = octet(from_code, 0);
  if (code == 0xb3) return true;  // sequence header
  constexpr unsigned kIntra = 1;
  return code == 0x00 && from_code.size() > 2 && (octet(from_code, 2) >> 3U & 7U) == kIntra;
}

bool is_entry(Codec codec, ByteSpan from_code) {
  switch (codec) {
    case Codec::H264:
      return is_h264_entry(octet(from_code, 0));
    case Codec::H265:
      return is_h265_entry(octet(from_code, 0));
    case Codec::Mpeg2Video:
      return is_mpeg2_entry(from_code);
    case Codec::Audio:
    case Codec::Other:
      break;
  }
  return false;
}

}  // namespace

bool begins_random_access(Codec codec, ByteSpan payload) {
  const auto bytes = elementary_bytes(payload);
  if (!bytes) return false;
  if (codec == Codec::Audio) return true;
  for (std::size_t at = 0; at + 3 < bytes->size(); ++at) {
    const bool is_start_code =
        octet(*bytes, at) == 0 && octet(*bytes, at + 1) == 0 && octet(*bytes, at + 2) == 1;
    if (is_start_code && is_entry(codec, bytes->subspan(at + 3))) return true;
  }
  return false;
}

}  // namespace ace::proto
