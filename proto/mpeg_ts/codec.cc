#include "proto/mpeg_ts/codec.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

namespace ace::proto {
namespace {

using Format = std::pair<std::string_view, Codec>;

constexpr unsigned kPrivateData = 0x06;
constexpr unsigned kRegistration = 0x05;
constexpr unsigned kExtension = 0x7f;

/// Format identifiers of registration descriptors.
constexpr std::array kFormats{
    Format{"HEVC", Codec::H265},       Format{"AC-3", Codec::Audio},
    Format{"EAC3", Codec::Audio},      Format{"AC-4", Codec::Audio},
    Format{"DTS1", Codec::Audio},      Format{"DTS2", Codec::Audio},
    Format{"DTS3", Codec::Audio},      Format{"Opus", Codec::Audio},
    Format{"BSSD", Codec::Audio},      Format{"AV01", Codec::OtherVideo},
    Format{"VC-1", Codec::OtherVideo}, Format{"drac", Codec::OtherVideo},
    Format{"AVSV", Codec::OtherVideo}, Format{"AVS3", Codec::OtherVideo},
};

unsigned octet(ByteSpan bytes, std::size_t at) { return std::to_integer<unsigned>(bytes[at]); }

std::optional<Codec> codec_of_descriptor(unsigned tag, ByteSpan content) {
  switch (tag) {
    case kRegistration: {
      const auto name = as_text(content.first(std::min<std::size_t>(content.size(), 4)));
      const auto* const known = std::ranges::find(kFormats, name, &Format::first);
      return known == kFormats.end() ? std::nullopt : std::optional{known->second};
    }
    case 0x6a:  // AC-3
    case 0x7a:  // E-AC-3
    case 0x7b:  // DTS
    case 0x7c:  // AAC
      return Codec::Audio;
    case kExtension: {
      const auto extended = content.empty() ? 0 : octet(content, 0);
      // DTS-HD, AC-4, DTS-UHD
      const bool is_audio = extended == 0x0e || extended == 0x15 || extended == 0x21;
      return is_audio ? std::optional{Codec::Audio} : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

Codec codec_of_private_data(ByteSpan descriptors) {
  constexpr std::size_t kHead = 2;
  while (descriptors.size() >= kHead) {
    const std::size_t length = octet(descriptors, 1);
    if (kHead + length > descriptors.size()) break;
    const auto content = descriptors.subspan(kHead, length);
    if (const auto codec = codec_of_descriptor(octet(descriptors, 0), content)) return *codec;
    descriptors = descriptors.subspan(kHead + length);
  }
  return Codec::Other;
}

}  // namespace

Codec codec_of(unsigned stream_type, ByteSpan descriptors) {
  switch (stream_type) {
    case 0x01:
    case 0x02:
      return Codec::Mpeg2Video;
    case 0x1b:
      return Codec::H264;
    case 0x24:
      return Codec::H265;
    case 0x33:
      return Codec::H266;
    case 0x10:  // MPEG-4 part 2
    case 0x21:  // JPEG 2000
    case 0x32:  // JPEG XS
    case 0x35:  // EVC
    case 0x42:  // AVS
    case 0xd1:  // Dirac
    case 0xd2:  // AVS2
    case 0xd4:  // AVS3
    case 0xea:  // VC-1
      return Codec::OtherVideo;
    case 0x03:  // MPEG audio
    case 0x04:
    case 0x0f:  // AAC
    case 0x11:
    case 0x81:  // AC-3
    case 0x87:  // E-AC-3
    case 0x8a:  // DTS
      return Codec::Audio;
    case kPrivateData:
      return codec_of_private_data(descriptors);
    default:
      return Codec::Other;
  }
}

bool is_video(Codec codec) { return codec < Codec::Audio; }

}  // namespace ace::proto
