#include "tests/support/viewers/numbered_ts.h"

#include <algorithm>
#include <cstring>

namespace ace::test {
namespace {

using Packet = std::span<std::byte, kTsPacketSize>;
using ConstPacket = std::span<const std::byte, kTsPacketSize>;

constexpr std::byte kSync{0x47};
constexpr std::uint64_t kBitsPerPacket = kTsPacketSize * 8;
constexpr std::uint32_t kIntervalsPerSecond = 25;
constexpr std::uint32_t kMinInterval = 4;  // PAT, PMT and at least two numbered packets

// The record stands at the end of the packet, and every byte of it and of the filler has its top
// bit set: no start code and no picture can appear that the stream did not mean.
constexpr std::size_t kMagicAt = 144;
constexpr std::size_t kTagAt = 148;
constexpr std::size_t kSeqAt = 158;
constexpr std::size_t kBitrateAt = 168;
constexpr std::size_t kChecksumAt = 178;
constexpr std::size_t kFieldSize = 10;  // ten groups of seven bits hold 64
static_assert(kChecksumAt + kFieldSize == kTsPacketSize);
constexpr std::array<std::byte, 4> kMagic{std::byte{0xC1}, std::byte{0xC5}, std::byte{0xB1},
                                          std::byte{0xB5}};
constexpr std::uint8_t kDiscontinuity = 0x80;
constexpr std::uint8_t kRandomAccess = 0x40;
constexpr std::uint8_t kHasPcr = 0x10;

std::uint64_t mix(std::uint64_t value) {  // the finaliser of splitmix64
  value += 0x9E3779B97F4A7C15U;
  value = (value ^ (value >> 30U)) * 0xBF58476D1CE4E5B9U;
  value = (value ^ (value >> 27U)) * 0x94D049BB133111EBU;
  return value ^ (value >> 31U);
}

std::uint64_t hash_text(std::string_view text, std::uint64_t seed) {
  for (const char c : text) seed = mix(seed ^ static_cast<unsigned char>(c));
  return seed;
}

void put(std::byte* at, std::uint64_t value) {
  for (std::size_t i = 0; i < kFieldSize; ++i) {
    at[i] = std::byte{static_cast<std::uint8_t>(0x80U | (value & 0x7FU))};
    value >>= 7U;
  }
}

std::uint64_t get(const std::byte* at) {
  std::uint64_t value = 0;
  for (std::size_t i = kFieldSize; i-- > 0;) {
    value = (value << 7U) | (std::to_integer<std::uint64_t>(at[i]) & 0x7FU);
  }
  return value;
}

bool has_adaptation(ConstPacket packet) { return (packet[3] & std::byte{0x20}) != std::byte{}; }

/// Over all that comes before it; a forwarder may set the discontinuity indicator and no more.
std::uint64_t checksum(ConstPacket packet) {
  std::array<std::byte, 184> covered{};  // whole words; the last six bytes stay zero
  static_assert(covered.size() % 8 == 0 && covered.size() >= kChecksumAt);
  std::memcpy(covered.data(), packet.data(), kChecksumAt);
  if (has_adaptation(packet)) covered[5] &= ~std::byte{kDiscontinuity};
  std::uint64_t hash = 0x2545F4914F6CDD1DU;
  for (std::size_t at = 0; at < covered.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, &covered[at], sizeof word);
    hash = (hash ^ word) * 0xD6E8FEB86659FD93U;
    hash ^= hash >> 32U;
  }
  return hash;
}

/// Compared as it is written, so that the bits which carry no number count too.
bool has_checksum(ConstPacket packet) {
  std::array<std::byte, kFieldSize> expected;
  put(expected.data(), checksum(packet));
  return std::ranges::equal(packet.subspan(kChecksumAt), expected);
}

std::uint32_t crc32_mpeg(std::span<const std::byte> bytes) {
  std::uint32_t crc = 0xFFFFFFFFU;
  for (const auto byte : bytes) {
    crc ^= std::to_integer<std::uint32_t>(byte) << 24U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x80000000U) != 0 ? (crc << 1U) ^ 0x04C11DB7U : crc << 1U;
    }
  }
  return crc;
}

void put_bytes(std::byte* at, std::initializer_list<unsigned> values) {
  for (const auto value : values) *at++ = std::byte{static_cast<std::uint8_t>(value)};
}

void put_header(Packet packet, std::uint16_t pid, bool starts_unit, std::uint64_t counter) {
  packet[0] = kSync;
  packet[1] = std::byte{static_cast<std::uint8_t>((starts_unit ? 0x40U : 0U) | (pid >> 8U))};
  packet[2] = std::byte{static_cast<std::uint8_t>(pid & 0xFFU)};
  packet[3] = std::byte{static_cast<std::uint8_t>(0x10U | (counter & 0x0FU))};
}

void finish_section(Packet packet, std::size_t section_size) {
  const auto section = packet.subspan(5, section_size);
  const auto crc = crc32_mpeg(section);
  put_bytes(section.data() + section.size(),
            {crc >> 24U, (crc >> 16U) & 0xFFU, (crc >> 8U) & 0xFFU, crc & 0xFFU});
}

void make_pat(Packet packet, std::uint64_t counter) {
  std::ranges::fill(packet, std::byte{0xFF});
  put_header(packet, kPatPid, true, counter);
  put_bytes(&packet[4],
            {0, 0x00, 0xB0, 13, 0, 1, 0xC1, 0, 0, 0, 1, 0xE0 | (kPmtPid >> 8U), kPmtPid & 0xFFU});
  finish_section(packet, 12);
}

void make_pmt(Packet packet, std::uint64_t counter) {
  std::ranges::fill(packet, std::byte{0xFF});
  put_header(packet, kPmtPid, true, counter);
  constexpr unsigned kHigh = 0xE0 | (kNumberedPid >> 8U);
  constexpr unsigned kLow = kNumberedPid & 0xFFU;
  // One stream of type 0x1B (H.264), which also carries the PCR.
  put_bytes(&packet[4], {0, 0x02, 0xB0, 18, 0, 1, 0xC1, 0, 0, kHigh, kLow, 0xF0, 0, 0x1B, kHigh,
                         kLow, 0xF0, 0});
  finish_section(packet, 17);
}

/// Time in units of 1/90,000 s, as PCR and PTS count it.
std::uint64_t ticks_90k(SteadyTime time) {
  const auto ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
  return (ns / 100'000 * 9 + ns % 100'000 * 9 / 100'000) & 0x1FFFFFFFFU;
}

/// Adaptation field with PCR, PES header and the start of a slice. @returns where filler begins.
std::size_t put_picture_start(Packet packet, SteadyTime due, bool is_random_access) {
  const auto pcr = ticks_90k(due);
  const auto pts = (pcr + 9000) & 0x1FFFFFFFFU;  // shown 100 ms later
  const auto byte = [](std::uint64_t value) { return static_cast<unsigned>(value & 0xFFU); };
  packet[1] |= std::byte{0x40};
  packet[3] |= std::byte{0x20};
  put_bytes(&packet[4], {7, kHasPcr | (is_random_access ? kRandomAccess : 0U), byte(pcr >> 25U),
                         byte(pcr >> 17U), byte(pcr >> 9U), byte(pcr >> 1U),
                         byte((pcr & 1U) << 7U) | 0x7EU, 0});
  put_bytes(&packet[12],
            {0, 0, 1, 0xE0, 0, 0, 0x80, 0x80, 5, 0x21U | byte(pts >> 29U & 0x0EU), byte(pts >> 22U),
             byte(pts >> 14U) | 1U, byte(pts >> 7U), byte(pts << 1U) | 1U});
  put_bytes(&packet[26],
            {0, 0, 0, 1, 0x09, 0xF0, 0, 0, 0, 1, is_random_access ? 0x65U : 0x41U, 0x88});
  return 38;
}

std::uint32_t interval_for(std::uint64_t bitrate) {
  return std::max(kMinInterval,
                  static_cast<std::uint32_t>(bitrate / kBitsPerPacket / kIntervalsPerSecond));
}

SteadyTime due_at(std::uint64_t seq, std::uint64_t bitrate) {
  const auto bits = seq * kBitsPerPacket;
  const std::chrono::seconds whole{bits / bitrate};
  const std::chrono::nanoseconds part{bits % bitrate * 1'000'000'000 / bitrate};
  return SteadyTime{whole + part};
}

}  // namespace

std::string infohash_of_content(std::string_view content_id) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string infohash;
  std::uint64_t state = hash_text(content_id, 0x5EED);
  while (infohash.size() < 40) {
    state = mix(state);
    infohash += kHex[state & 15U];
  }
  return infohash;
}

std::uint64_t stream_tag(std::string_view infohash) { return hash_text(infohash, 0x7A6); }

NumberedStream::NumberedStream(std::string_view infohash, std::uint64_t bitrate,
                               std::chrono::seconds key_interval)
    : tag_{stream_tag(infohash)},
      bitrate_{std::max(bitrate, kBitsPerPacket)},
      interval_{interval_for(bitrate_)},
      key_interval_{static_cast<std::uint64_t>(key_interval.count()) * kIntervalsPerSecond} {}

std::uint64_t NumberedStream::seq_at(SteadyTime time) const {
  const auto ns = static_cast<std::uint64_t>(time.time_since_epoch().count());
  const auto seconds = ns / 1'000'000'000;
  // In two steps: nanoseconds since boot times a bitrate would leave 64 bits within an hour.
  const auto bits = seconds * bitrate_ + ns % 1'000'000'000 * bitrate_ / 1'000'000'000;
  auto seq = bits / kBitsPerPacket;
  while (due_time(seq + 1) <= time) ++seq;  // both roundings go down: meet due_time exactly
  while (due_time(seq) > time && seq > 0) --seq;
  return seq;
}

SteadyTime NumberedStream::due_time(std::uint64_t seq) const { return due_at(seq, bitrate_); }

std::uint64_t NumberedStream::random_access_period() const { return interval_ * key_interval_; }

void NumberedStream::make(std::uint64_t seq, Packet packet) const {
  const auto round = seq / interval_;
  const auto slot = seq % interval_;
  if (slot == 0) return make_pat(packet, round);
  if (slot == 1) return make_pmt(packet, round);
  // Tables do not advance the counter of this PID.
  put_header(packet, kNumberedPid, false, round * (interval_ - 2) + slot - 2);
  std::size_t filler = 4;
  if (slot == 2) {
    filler = put_picture_start(packet, due_time(seq), round % key_interval_ == 0);
  }
  const auto noise = mix(tag_ ^ seq);
  const auto letter = std::byte{static_cast<std::uint8_t>(0x80U | (noise & 0x7FU))};
  std::fill(packet.begin() + static_cast<std::ptrdiff_t>(filler), packet.begin() + kMagicAt,
            letter);
  // A false sync byte, each time elsewhere: as real payloads have them.
  packet[filler + 1 + (noise >> 8U) % (kMagicAt - filler - 1)] = kSync;
  std::ranges::copy(kMagic, packet.begin() + kMagicAt);
  put(&packet[kTagAt], tag_);
  put(&packet[kSeqAt], seq);
  put(&packet[kBitrateAt], bitrate_);
  put(&packet[kChecksumAt], checksum(packet));
}

std::optional<NumberedPacket> parse_numbered(ConstPacket packet) {
  if (packet[0] != kSync || pid_of(packet) != kNumberedPid ||
      !std::ranges::equal(packet.subspan(kMagicAt, kMagic.size()), kMagic) ||
      !has_checksum(packet)) {
    return std::nullopt;
  }
  const auto flags = has_adaptation(packet) ? std::to_integer<std::uint8_t>(packet[5]) : 0;
  const auto bitrate = get(&packet[kBitrateAt]);
  const auto seq = get(&packet[kSeqAt]);
  return NumberedPacket{.tag = get(&packet[kTagAt]),
                        .seq = seq,
                        .due = due_at(seq, bitrate),
                        .interval = interval_for(bitrate),
                        .is_random_access = (flags & kRandomAccess) != 0,
                        .is_discontinuity = (flags & kDiscontinuity) != 0};
}

std::uint64_t next_numbered(std::uint64_t seq, std::uint32_t interval) {
  const auto next = seq + 1;
  return next % interval == 0 ? next + 2 : next;
}

std::uint16_t pid_of(ConstPacket packet) {
  return static_cast<std::uint16_t>((std::to_integer<unsigned>(packet[1]) & 0x1FU) << 8U |
                                    std::to_integer<unsigned>(packet[2]));
}

bool is_discontinuity_marker(ConstPacket packet) {
  constexpr std::byte kWholeField{183};
  return packet[0] == kSync && pid_of(packet) == kNumberedPid &&
         (packet[3] & std::byte{0x30}) == std::byte{0x20} && packet[4] == kWholeField &&
         packet[5] == std::byte{kDiscontinuity} &&
         std::ranges::all_of(packet.subspan(6), [](std::byte b) { return b == std::byte{0xFF}; });
}

bool is_valid_table(ConstPacket packet) {
  const auto pid = pid_of(packet);
  if (packet[0] != kSync || (pid != kPatPid && pid != kPmtPid) || has_adaptation(packet)) {
    return false;
  }
  const auto length = (std::to_integer<std::size_t>(packet[6]) & 0x0FU) << 8U |
                      std::to_integer<std::size_t>(packet[7]);
  const std::size_t size = length + 3;
  if (packet[4] != std::byte{} || size < 12 || 5 + size > packet.size()) return false;
  return crc32_mpeg(packet.subspan(5, size)) == 0;  // over the CRC too: nothing remains
}

}  // namespace ace::test
