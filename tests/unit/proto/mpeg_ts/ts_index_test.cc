#include "proto/mpeg_ts/ts_index.h"

#include <array>
#include <string>

#include <catch2/catch.hpp>

#include "tests/support/viewers/numbered_ts.h"
#include "tests/unit/proto/mpeg_ts/ts_packets.h"

using namespace ace::test;
using namespace std::chrono_literals;
using ace::as_bytes;
using ace::as_text;
using ace::proto::TsIndex;

namespace {

constexpr ace::proto::Pid kPmt = 0x20;
constexpr ace::proto::Pid kVideo = 0x100;
constexpr ace::proto::Pid kAudio = 0x101;
constexpr char kH264 = 0x1b;

std::string tables(char type = kH264, ace::proto::Pid stream = kVideo) {
  return pat(kPmt) + pmt(kPmt, stream, type, stream);
}

std::string unit(const std::string& elementary, ace::proto::Pid pid = kVideo) {
  return packet({.pid = pid, .begins_unit = true, .payload = pes(elementary)});
}

std::string at_pcr(std::uint64_t ticks_90k) {
  return packet({.pid = kVideo, .pcr_90k = ticks_90k});
}

/// Where the first random access point of `packets` lies, in packets.
std::optional<std::size_t> entry_of(const std::string& packets) {
  TsIndex index;
  const auto scanned = index.scan(as_bytes(packets));
  if (!scanned.random_access) return std::nullopt;
  return scanned.random_access->offset / kTsPacketSize;
}

const std::string kIdr{"\0\0\1\x09\xf0\0\0\0\1\x67\x64", 11};
const std::string kSlice{"\0\0\1\x09\xf0\0\0\0\1\x41\x9a", 11};

}  // namespace

TEST_CASE("a stream begins with its first PAT", "[ts_index]") {
  const auto begin = [](const std::string& packets) {
    return std::string{as_text(ace::proto::from_first_pat(as_bytes(packets)))};
  };
  const auto before = unit(kSlice) + pmt(kPmt, kVideo, kH264, kVideo);
  CHECK(begin(before + tables() + before) == tables() + before);
  CHECK(begin(before).empty());
  CHECK(begin({}).empty());
  CHECK(begin(std::string(20 * kTsPacketSize, '\x47')).empty());
  // On the PID of the PAT, but no beginning of one.
  CHECK(begin(packet({.pid = 0, .payload = "in the middle"})).empty());
  CHECK(begin(packet({.pid = 0, .begins_unit = true, .payload = "junk"})).empty());
  auto scrambled = pat(kPmt);
  scrambled[3] = static_cast<char>(scrambled[3] | 0x80);
  CHECK(begin(scrambled).empty());
}

TEST_CASE("a decoder may begin where the encoder says so", "[ts_index]") {
  const auto flagged = packet(
      {.pid = kVideo, .begins_unit = true, .is_random_access = true, .payload = pes(kSlice)});
  CHECK(entry_of(tables() + unit(kSlice) + flagged) == 3U);
}

TEST_CASE("a key frame is found where no flag says so", "[ts_index]") {
  struct Case {
    char type;
    std::string key;
    std::string other;
  };
  const auto codec = GENERATE(
      Case{kH264, kIdr, kSlice}, Case{kH264, {"\0\0\1\x65\x88", 5}, {"\0\0\1\x06\x05", 5}},
      Case{0x24, {"\0\0\1\x46\1\x50\0\0\1\x40\1", 11}, {"\0\0\1\x46\1\x50\0\0\1\x02\1", 11}},
      Case{0x02, {"\0\0\1\xb3\x2d\2", 6}, {"\0\0\1\0\0\x10", 6}},
      Case{0x02, {"\0\0\1\0\0\x08", 6}, {"\0\0\1\0\0\x18", 6}});
  CHECK(entry_of(tables(codec.type) + unit(codec.other) + unit(codec.key)) == 3U);
  CHECK_FALSE(entry_of(tables(codec.type) + unit(codec.other)));
}

TEST_CASE("what stands at a point are the newest tables before it", "[ts_index]") {
  TsIndex index;
  auto old = pat(kPmt);
  old[3] = '\x17';  // an earlier continuity counter
  const auto stream =
      old + pmt(kPmt, kVideo, kH264, kVideo) + unit(kSlice) + tables() + unit(kIdr) + pat(kPmt);
  const auto scanned = index.scan(as_bytes(stream));
  REQUIRE(scanned.random_access);
  CHECK(scanned.random_access->offset == 5 * kTsPacketSize);
  CHECK(as_text(scanned.random_access->tables) == tables());
}

TEST_CASE("tables are remembered from run to run, and renewed", "[ts_index]") {
  TsIndex index;
  CHECK_FALSE(index.scan(as_bytes(unit(kIdr))).random_access);
  CHECK_FALSE(index.scan(as_bytes(tables())).random_access);
  CHECK(index.scan(as_bytes(unit(kIdr))).random_access);
  // The video moves to another PID.
  const auto moved = pmt(kPmt, 0x200, kH264, 0x200);
  CHECK_FALSE(index.scan(as_bytes(moved + unit(kIdr))).random_access);
  CHECK(index.scan(as_bytes(unit(kIdr, 0x200))).random_access);
}

TEST_CASE("radio begins anywhere, but not the sound of a film", "[ts_index]") {
  const std::string frame = "\xff\xf1sound";
  CHECK(entry_of(tables(0x0f, kAudio) + unit(frame, kAudio)) == 2U);
  const auto both =
      section('\2', thirteen_bits(kVideo) + std::string("\xf0\0", 2),
              std::string(1, kH264) + thirteen_bits(kVideo) + std::string("\xf0\0", 2) +
                  std::string(1, '\x0f') + thirteen_bits(kAudio) + std::string("\xf0\0", 2));
  const auto film = pat(kPmt) + packet({.pid = kPmt, .begins_unit = true, .payload = both});
  CHECK(entry_of(film + unit(frame, kAudio) + unit(kIdr)) == 3U);
}

TEST_CASE("of a codec that nobody knows the encoder's flag is believed", "[ts_index]") {
  const auto flagged = packet({.pid = kVideo, .begins_unit = true, .is_random_access = true});
  CHECK(entry_of(tables('\x33') + unit(kIdr) + flagged) == 3U);
}

TEST_CASE("a table over several packets is read and kept whole", "[ts_index]") {
  const auto whole = pmt_section(kVideo, kH264, kVideo, 300);
  const auto first = packet({.pid = kPmt, .begins_unit = true, .payload = whole.substr(0, 184)});
  const auto second = packet({.pid = kPmt, .payload = whole.substr(184)});
  TsIndex index;
  CHECK_FALSE(index.scan(as_bytes(pat(kPmt) + first + unit(kIdr))).random_access);
  const auto scanned = index.scan(as_bytes(second + unit(kIdr)));
  REQUIRE(scanned.random_access);
  CHECK(as_text(scanned.random_access->tables) == pat(kPmt) + first + second);
}

TEST_CASE("a scrambled stream is not looked into, but its flag is in the clear", "[ts_index]") {
  auto secret =
      PacketPlan{.pid = kVideo, .begins_unit = true, .is_scrambled = true, .payload = pes(kIdr)};
  CHECK_FALSE(entry_of(tables() + packet(secret)));
  secret.is_random_access = true;
  CHECK(entry_of(tables() + packet(secret)) == 2U);
}

TEST_CASE("media time grows with the PCR, over its wrap and past jumps", "[ts_index]") {
  constexpr std::uint64_t kWrap = std::uint64_t{1} << 33U;
  TsIndex index;
  (void)index.scan(as_bytes(tables() + at_pcr(kWrap - 90'000)));
  CHECK(index.media_time() == 0s);
  (void)index.scan(as_bytes(at_pcr(0)));
  CHECK(index.media_time() == 1s);
  (void)index.scan(as_bytes(at_pcr(180'000)));
  CHECK(index.media_time() == 3s);
  (void)index.scan(as_bytes(at_pcr(90'000)));  // back in time: another clock
  CHECK(index.media_time() == 3s);
  (void)index.scan(as_bytes(at_pcr(90'000 * 3'600) + at_pcr(90'000 * 3'601)));
  CHECK(index.media_time() == 4s);
  const auto marked = packet({.pid = kVideo, .is_discontinuity = true, .pcr_90k = 90'000 * 3'603});
  (void)index.scan(as_bytes(marked));
  CHECK(index.media_time() == 4s);
}

TEST_CASE("the rate of a stream is measured by its own clock", "[ts_index]") {
  const NumberedStream stream{std::string(40, 'a'), 8'000'000};
  TsIndex index;
  const auto first = stream.seq_at(ace::SteadyTime{1'000s});
  const auto last = stream.seq_at(ace::SteadyTime{1'005s});
  std::size_t entries = 0;
  for (auto seq = first; seq < last; ++seq) {
    std::array<std::byte, kTsPacketSize> made{};
    stream.make(seq, made);
    if (index.scan(made).random_access) ++entries;
  }
  CHECK(entries >= 4);
  CHECK(entries <= 5);
  CHECK(index.bits_per_second() > 7'800'000);
  CHECK(index.bits_per_second() < 8'200'000);
}

TEST_CASE("junk in headers and tables is passed over", "[ts_index]") {
  auto too_long_field = packet({.pid = kVideo, .begins_unit = true, .is_random_access = true});
  too_long_field[4] = '\xb8';
  auto lying_section = tables();
  lying_section[4 + 3] = '\xff';  // longer than any packet that follows
  const auto pointer_beyond =
      packet({.pid = 0, .begins_unit = true, .payload = std::string(1, '\xf0')});
  CHECK_FALSE(entry_of(pointer_beyond + lying_section + too_long_field + unit(kIdr)));
}
