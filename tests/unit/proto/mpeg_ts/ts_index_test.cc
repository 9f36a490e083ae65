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

const std::string kDelimiter{"\0\0\1\x09\xf0", 5};
const std::string kParameters{"\0\0\1\x67\x64\0\0\1\x68\xee", 10};
const std::string kRecoveryPoint{"\0\0\1\x06\x05\2xx\x06\1\xc4\x80", 12};
const std::string kIdr{"\0\0\1\x09\xf0\0\0\0\1\x65\x88", 11};
const std::string kSlice{"\0\0\1\x09\xf0\0\0\0\1\x41\x9a", 11};
const std::string kIntraSlice{"\0\0\1\x41\x88\x80", 6};
const std::string kMiddleSlice{"\0\0\1\x41\x24\x80", 6};  // of macroblock 3 on, intra

PacketPlan flagged(const std::string& elementary) {
  return {.pid = kVideo, .begins_unit = true, .is_random_access = true, .payload = pes(elementary)};
}

std::string in_packets(const std::string& payload, PacketPlan plan = {.pid = kVideo}) {
  std::string packets;
  for (std::size_t at = 0; at < payload.size(); at += 184) {
    plan.begins_unit = at == 0;
    plan.payload = payload.substr(at, 184);
    packets += packet(plan);
  }
  return packets;
}

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

TEST_CASE("what a picture is decides whether a decoder can begin with it", "[ts_index]") {
  struct Case {
    char type;
    std::string key;
    std::string other;
  };
  const auto codec = GENERATE(
      Case{kH264, kIdr, kSlice}, Case{kH264, kParameters + kIntraSlice, kParameters + kSlice},
      Case{kH264, kRecoveryPoint + kSlice, kIntraSlice},
      Case{kH264, kMiddleSlice + kIdr, kParameters + kMiddleSlice + kSlice},
      // CRA; a trailing picture behind parameter sets, and behind a recovery point
      Case{0x24, {"\0\0\1\x46\1\x50\0\0\1\x2a\1\xa0", 12}, {"\0\0\1\x42\1\x01\0\0\1\2\1\xd0", 12}},
      Case{0x24, {"\0\0\1\x4e\1\x06\1\x80\x80\0\0\1\2\1\xd0", 15}, {"\0\0\1\2\1\xd0", 6}},
      Case{0x33, {"\0\0\1\0\x79\0\0\0\1\0\x41", 11}, {"\0\0\1\0\x79\0\0\0\1\0\1", 11}},
      Case{0x02, {"\0\0\1\xb3\x2d\2\0\0\1\0\0\x08", 12}, {"\0\0\1\xb3\x2d\2\0\0\1\0\0\x10", 12}});
  CAPTURE(codec.type, codec.key);
  CHECK(entry_of(tables(codec.type) + unit(codec.other) + unit(codec.key)) == 3U);
  CHECK_FALSE(entry_of(tables(codec.type) + unit(codec.other)));
  if (codec.other != kIntraSlice) {
    // An encoder that flags every picture is not believed.
    CHECK_FALSE(entry_of(tables(codec.type) + packet(flagged(codec.other))));
  }
}

TEST_CASE("the flag decides where the payload cannot tell", "[ts_index]") {
  auto in_pes = pes(kSlice);
  in_pes[6] = '\x90';  // scrambled behind the PES header
  const auto payload =
      GENERATE_COPY(as<std::string>{}, in_pes, pes(kIntraSlice), pes(kDelimiter), std::string{});
  const auto begun = [&](bool is_flagged) {
    return packet({.pid = kVideo,
                   .begins_unit = true,
                   .is_random_access = is_flagged,
                   .payload = payload}) +
           unit(kSlice);
  };
  CHECK(entry_of(tables() + begun(true)) == 2U);
  CHECK_FALSE(entry_of(tables() + begun(false)));
}

TEST_CASE("an access unit is looked into as far as its first slice", "[ts_index]") {
  const auto names = std::string("\0\0\1\x06\x05\xff\xff\x5a", 8) + std::string(600, 'n') + '\x80';
  const auto key = GENERATE_COPY(as<std::string>{}, kIdr, kParameters + kIntraSlice);
  const auto packets = in_packets(pes(kDelimiter + names + key));
  REQUIRE(packets.size() > 3 * kTsPacketSize);
  CHECK(entry_of(tables() + packets + unit(kSlice)) == 2U);
  CHECK_FALSE(entry_of(tables() + in_packets(pes(kDelimiter + names + kSlice)) + unit(kSlice)));

  // The slice comes with the next run: the point lies in the one before.
  TsIndex index;
  const auto cut = 2 * kTsPacketSize;
  const auto before = index.scan(as_bytes(tables() + unit(kSlice) + packets.substr(0, cut)));
  CHECK_FALSE(before.random_access);
  const auto after = index.scan(as_bytes(packets.substr(cut) + tables() + unit(kIdr)));
  REQUIRE(after.earlier);
  CHECK(after.earlier->offset == cut);
  CHECK(as_text(after.earlier->tables) == tables());
  REQUIRE(after.random_access);
  CHECK(after.random_access->offset == packets.size() - cut + 2 * kTsPacketSize);
}

TEST_CASE("a PES header over two packets is passed over", "[ts_index]") {
  // An adaptation field of 178 bytes leaves six for the payload.
  auto first = packet({.pid = kVideo, .begins_unit = true, .is_random_access = true});
  first[4] = '\xb1';
  const auto whole = pes(kIdr);
  first.replace(kTsPacketSize - 6, 6, whole.substr(0, 6));
  const auto rest = packet({.pid = kVideo, .payload = whole.substr(6)});
  CHECK(entry_of(tables() + first + rest) == 2U);
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
  const auto type = GENERATE('\x42', '\x7f');  // AVS, and one that is nothing
  CHECK(entry_of(tables(type) + unit(kIdr) + packet(flagged(kSlice))) == 3U);
}

TEST_CASE("of several programs the first one with video is shown", "[ts_index]") {
  const auto first = table(0x20, pmt_of(0x100, entry(kH264, 0x100), {.number = 1}));
  const auto second = table(0x21, pmt_of(0x200, entry(kH264, 0x200), {.number = 2}));
  const auto radio = table(0x20, pmt_of(0x101, entry('\x0f', 0x101), {.number = 1}));
  const std::string sound = "\xff\xf1sound";
  CHECK(entry_of(pat_of({0x20, 0x21}) + second + first + unit(kSlice, 0x100) + unit(kIdr, 0x200) +
                 unit(kIdr, 0x100)) == 5U);
  // The order is that of the PAT, not of the PIDs.
  CHECK(entry_of(pat_of({0x30, 0x21}) + second +
                 table(0x30, pmt_of(0x100, entry(kH264, 0x100), {.number = 1})) +
                 unit(kSlice, 0x100) + unit(kIdr, 0x200) + unit(kIdr, 0x100)) == 5U);
  CHECK(entry_of(pat_of({0x20, 0x21}) + radio + second + unit(kSlice, 0x200) + unit(sound, 0x101) +
                 unit(kIdr, 0x200)) == 5U);
  // Of the first one only the tables are there.
  CHECK(entry_of(pat_of({0x20, 0x21}) + first + second + unit(kSlice, 0x200) + unit(kIdr, 0x200)) ==
        4U);
}

TEST_CASE("the clock is that of the program that is shown", "[ts_index]") {
  TsIndex index;
  const auto tables_of_two =
      pat_of({0x20, 0x21}) + table(0x20, pmt_of(0x100, entry(kH264, 0x100), {.number = 1})) +
      table(0x21, pmt_of(0x200, entry(kH264, 0x200), {.number = 2})) + unit(kIdr);
  const auto other = packet({.pid = 0x200, .pcr_90k = 95'000});
  (void)index.scan(as_bytes(tables_of_two + at_pcr(90'000) + other + at_pcr(180'000)));
  CHECK(index.media_time() == 1s);
}

TEST_CASE("only a PMT that is in force counts", "[ts_index]") {
  const auto coming = table(kPmt, pmt_of(0x200, entry(kH264, 0x200), {.is_current = false}));
  const auto foreign = table(kPmt, bare_section('\x80', "private", "data"));
  const auto other = GENERATE_COPY(as<std::string>{}, coming, foreign);
  TsIndex index;
  const auto scanned = index.scan(as_bytes(tables() + other + unit(kIdr, 0x200) + unit(kIdr)));
  REQUIRE(scanned.random_access);
  CHECK(scanned.random_access->offset == 4 * kTsPacketSize);
  CHECK(as_text(scanned.random_access->tables) == tables());
}

TEST_CASE("two programs may have their PMTs on one PID", "[ts_index]") {
  const auto radio = pmt_of(0x101, entry('\x0f', 0x101), {.number = 1});
  const auto film = pmt_of(kVideo, entry(kH264, kVideo), {.number = 2});
  // One behind the other, as muxers pack them, or a packet each.
  const auto packed = table(kPmt, radio + film);
  const auto apart = table(kPmt, radio) + table(kPmt, film);
  for (const auto& pmts : {packed, apart}) {
    TsIndex index;
    const auto scanned = index.scan(
        as_bytes(pat_of({kPmt, kPmt}) + pmts + unit(kSlice) + unit("sound", 0x101) + unit(kIdr)));
    REQUIRE(scanned.random_access);
    CHECK(scanned.random_access->offset == pmts.size() + 3 * kTsPacketSize);
    CHECK(as_text(scanned.random_access->tables) == pat_of({kPmt, kPmt}) + pmts);
  }
}

TEST_CASE("a section that begins behind the end of another one is read", "[ts_index]") {
  const auto long_one = bare_section('\x80', "", std::string(200, 'p'));
  const auto first = table(kPmt, long_one.substr(0, 183));
  const auto rest = long_one.substr(183);
  const auto second = packet({.pid = kPmt,
                              .begins_unit = true,
                              .payload = std::string(1, static_cast<char>(rest.size())) + rest +
                                         pmt_of(kVideo, entry(kH264, kVideo))});
  CHECK(entry_of(pat(kPmt) + first + second + unit(kIdr)) == 3U);
}

TEST_CASE("private data is sound where a descriptor says so", "[ts_index]") {
  const auto descriptor =
      GENERATE(std::string("\x6a\1\0", 3), std::string("\x7a\1\0", 3), std::string("\x7b\1\0", 3),
               std::string("\x05\4"
                           "AC-3"),
               std::string("\x05\4"
                           "DTS1"),
               std::string("\x52\1\1\x7f\1\x15"));
  const auto pmt_with = [](const std::string& descriptors) {
    return pat(kPmt) + table(kPmt, pmt_of(kAudio, entry('\x06', kAudio, descriptors)));
  };
  CHECK(entry_of(pmt_with(descriptor) + unit("sound", kAudio)) == 2U);
  // Teletext, and a length beyond the entry.
  CHECK_FALSE(entry_of(pmt_with(std::string("\x56\1\0", 3)) + unit("text", kAudio)));
  CHECK_FALSE(entry_of(pmt_with(std::string("\x05\x50"
                                            "AC-3")) +
                       unit("text", kAudio)));
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
