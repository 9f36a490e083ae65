#include "proto/mpeg_ts/access_unit.h"

#include <optional>

namespace ace::proto {
namespace {

/// Parameter sets and SEI before the first slice are some hundred bytes, a few thousand at most.
constexpr std::size_t kLongestLook = 16U << 10U;
constexpr std::size_t kStartCode = 3;
constexpr unsigned kRecoveryPoint = 6;  // SEI payload type

unsigned octet(ByteSpan bytes, std::size_t at) { return std::to_integer<unsigned>(bytes[at]); }

bool is_start_code(ByteSpan bytes, std::size_t at) {
  return octet(bytes, at) == 0 && octet(bytes, at + 1) == 0 && octet(bytes, at + 2) == 1;
}

/// The bits of a slice header's front, where no emulation prevention stands.
class Bits {
 public:
  explicit Bits(ByteSpan bytes) : bytes_{bytes} {}

  /// ue(v) of H.264, 9.1. Nothing: it is not all there.
  [[nodiscard]] std::optional<unsigned> unsigned_code() {
    unsigned zeros = 0;
    for (auto bit = next(); bit != 1U; bit = next()) {
      constexpr unsigned kMostZeros = 24;  // numbers of macroblocks and less
      if (!bit || ++zeros > kMostZeros) return std::nullopt;
    }
    unsigned value = 1;
    for (; zeros > 0; --zeros) {
      const auto bit = next();
      if (!bit) return std::nullopt;
      value = value << 1U | *bit;
    }
    return value - 1;
  }

 private:
  std::optional<unsigned> next() {
    if (at_ / 8 >= bytes_.size()) return std::nullopt;
    const auto bit = octet(bytes_, at_ / 8) >> (7U - at_ % 8) & 1U;
    ++at_;
    return bit;
  }

  ByteSpan bytes_;
  std::size_t at_{};
};

/// The bytes of a NAL unit without those that prevent start codes (H.264 and H.265, 7.3.1).
class Unescaped {
 public:
  explicit Unescaped(ByteSpan bytes) : bytes_{bytes} {}

  std::optional<unsigned> next() {
    if (zeros_ >= 2 && at_ < bytes_.size() && octet(bytes_, at_) == 3) {
      ++at_;
      zeros_ = 0;
    }
    if (at_ >= bytes_.size()) return std::nullopt;
    const auto value = octet(bytes_, at_++);
    zeros_ = value == 0 ? zeros_ + 1 : 0;
    return value;
  }

 private:
  ByteSpan bytes_;
  std::size_t at_{};
  unsigned zeros_{};
};

/// A number of SEI: as many bytes of 255 as fit, and the rest.
std::optional<unsigned> sei_number(Unescaped& bytes) {
  unsigned sum = 0;
  for (auto byte = bytes.next(); byte; byte = bytes.next()) {
    sum += *byte;
    if (*byte != 0xff) return sum;
  }
  return std::nullopt;
}

/// `messages`: an SEI unit behind its header.
bool tells_recovery_point(ByteSpan messages) {
  Unescaped bytes{messages};
  while (true) {
    const auto type = sei_number(bytes);
    const auto size = sei_number(bytes);
    if (!type || !size) return false;
    if (*type == kRecoveryPoint) return true;
    for (unsigned i = 0; i < *size; ++i) {
      if (!bytes.next()) return false;
    }
  }
}

}  // namespace

void AccessUnit::begin(Codec codec) {
  codec_ = codec;
  bytes_.clear();
  is_behind_header_ = false;
  unit_ = sought_ = 0;
  has_parameters_ = has_recovery_point_ = false;
}

Verdict AccessUnit::feed(ByteSpan payload) {
  if (codec_ == Codec::OtherVideo || codec_ == Codec::Other) return Verdict::Untold;
  bytes_.insert(bytes_.end(), payload.begin(), payload.end());
  if (!is_behind_header_) {
    if (const auto header = read_header(); header != Verdict::Entry) return header;
  }
  if (codec_ == Codec::Audio) return Verdict::Entry;
  if (const auto told = look_for_slice(); told != Verdict::Open) return told;
  return bytes_.size() < kLongestLook ? Verdict::Open : Verdict::Untold;
}

Verdict AccessUnit::read_header() {
  constexpr std::size_t kFixed = 9;
  constexpr unsigned kScrambled = 0x30;
  const ByteSpan bytes{bytes_};
  if (bytes.size() >= kStartCode && !is_start_code(bytes, 0)) return Verdict::Untold;
  if (bytes.size() < kFixed) return Verdict::Open;
  if ((octet(bytes, 6) & kScrambled) != 0) return Verdict::Untold;
  const std::size_t header = kFixed + octet(bytes, 8);
  if (bytes.size() < header) return Verdict::Open;
  is_behind_header_ = true;
  sought_ = header;
  return Verdict::Entry;
}

Verdict AccessUnit::look_for_slice() {
  const ByteSpan bytes{bytes_};
  while (true) {
    while (sought_ + kStartCode <= bytes.size() && !is_start_code(bytes, sought_)) ++sought_;
    const bool is_whole = sought_ + kStartCode <= bytes.size();
    const auto end = is_whole ? sought_ : bytes.size();
    if (unit_ > 0) {
      const auto told = judge(bytes.subspan(unit_, end - unit_), is_whole);
      if (told != Verdict::Open) return told;
    }
    if (!is_whole) return Verdict::Open;
    sought_ += kStartCode;
    unit_ = sought_;
  }
}

Verdict AccessUnit::judge(ByteSpan unit, bool is_whole) {
  if (codec_ == Codec::Mpeg2Video) return judge_mpeg2(unit);
  if (codec_ == Codec::H264) return judge_h264(unit, is_whole);
  if (codec_ == Codec::H265) return judge_h265(unit, is_whole);
  // H.266: IDR, CRA, GDR, and pictures that need others. Any other unit is no slice.
  if (unit.size() < 2) return Verdict::Open;
  const auto type = octet(unit, 1) >> 3U;
  if (type > 11) return Verdict::Open;
  return type >= 7 ? Verdict::Entry : Verdict::NoEntry;
}

Verdict AccessUnit::judge_mpeg2(ByteSpan unit) {
  constexpr unsigned kPicture = 0x00;
  constexpr unsigned kSequenceHeader = 0xb3;
  constexpr unsigned kIntra = 1;
  if (unit.empty()) return Verdict::Open;
  if (octet(unit, 0) == kSequenceHeader) has_parameters_ = true;
  if (octet(unit, 0) != kPicture || unit.size() < 3) return Verdict::Open;
  if ((octet(unit, 2) >> 3U & 7U) != kIntra) return Verdict::NoEntry;
  return has_parameters_ ? Verdict::Entry : Verdict::Intra;
}

Verdict AccessUnit::judge_h264(ByteSpan unit, bool is_whole) {
  if (unit.empty()) return Verdict::Open;
  const auto type = octet(unit, 0) & 0x1fU;
  const auto rest = unit.subspan(1);
  if (type == 5) return Verdict::Entry;   // of an IDR picture
  if (type == 7) has_parameters_ = true;  // sequence parameter set
  if (type == 6 && is_whole && tells_recovery_point(rest)) has_recovery_point_ = true;
  if (type != 1 && type != 2) return Verdict::Open;
  Bits bits{rest};
  const auto first_macroblock = bits.unsigned_code();
  const auto kind = bits.unsigned_code();
  // One that is not the first of its picture belongs to the picture before.
  if (!first_macroblock || !kind || *first_macroblock != 0) return Verdict::Open;
  if (has_recovery_point_) return Verdict::Entry;
  const bool is_intra = *kind % 5 == 2 || *kind % 5 == 4;  // I, SI
  if (!is_intra) return Verdict::NoEntry;
  return has_parameters_ ? Verdict::Entry : Verdict::Intra;
}

Verdict AccessUnit::judge_h265(ByteSpan unit, bool is_whole) {
  constexpr std::size_t kHeader = 2;
  if (unit.size() <= kHeader) return Verdict::Open;
  const auto type = octet(unit, 0) >> 1U & 0x3fU;
  if (type == 39 && is_whole && tells_recovery_point(unit.subspan(kHeader))) {
    has_recovery_point_ = true;
  }
  constexpr unsigned kIsFirstSlice = 0x80;
  const bool is_slice = type < 32;
  if (!is_slice || (octet(unit, kHeader) & kIsFirstSlice) == 0) return Verdict::Open;
  const bool is_irap = type >= 16 && type <= 23;
  return is_irap || has_recovery_point_ ? Verdict::Entry : Verdict::NoEntry;
}

}  // namespace ace::proto
