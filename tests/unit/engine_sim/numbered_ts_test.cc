#include "tests/support/viewers/numbered_ts.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/support/viewers/numbered_checker.h"

using namespace std::chrono_literals;
using ace::ByteSpan;
using ace::SteadyTime;
using ace::test::AgeHistogram;
using ace::test::kTsPacketSize;
using ace::test::NumberedChecker;
using ace::test::NumberedStream;
using ace::test::StreamFault;
using ace::test::TsPacket;

namespace {

constexpr std::uint64_t kBitrate = 2'000'000;
const std::string kInfohash(40, 'a');

TsPacket packet_of(const NumberedStream& stream, std::uint64_t seq) {
  TsPacket packet{};
  stream.make(seq, packet);
  return packet;
}

std::vector<std::byte> run_of(const NumberedStream& stream, std::uint64_t first,
                              std::uint64_t count) {
  std::vector<std::byte> bytes;
  for (auto seq = first; seq < first + count; ++seq) {
    const auto packet = packet_of(stream, seq);
    bytes.insert(bytes.end(), packet.begin(), packet.end());
  }
  return bytes;
}

/// The start of a random access point's interval: PAT, PMT, then the picture.
std::uint64_t begin_of(const NumberedStream& stream) { return stream.random_access_period() * 7; }

void drop_packet(std::vector<std::byte>& bytes, std::size_t index) {
  const auto at = bytes.begin() + static_cast<std::ptrdiff_t>(index * kTsPacketSize);
  bytes.erase(at, at + kTsPacketSize);
}

NumberedChecker checked(ByteSpan bytes) {
  NumberedChecker checker;
  checker.feed(bytes, SteadyTime{});
  checker.end();
  return checker;
}

}  // namespace

TEST_CASE("a packet is a function of stream, bitrate and number", "[numbered]") {
  const NumberedStream one{kInfohash, kBitrate};
  const NumberedStream again{kInfohash, kBitrate};
  const NumberedStream other{std::string(40, 'b'), kBitrate};
  CHECK(packet_of(one, 1234) == packet_of(again, 1234));
  CHECK(packet_of(one, 1234) != packet_of(other, 1234));
  CHECK(packet_of(one, 1234) != packet_of(one, 1235));
}

TEST_CASE("a packet is due at the time that asks for it", "[numbered]") {
  const auto bitrate = GENERATE(64'000U, 128'000U, 8'000'000U, 20'000'001U);
  const NumberedStream stream{kInfohash, bitrate};
  for (const auto time : {1s + 0ns, 3600s + 17ns, 31'536'000s + 999'999'999ns}) {
    const SteadyTime now{time};
    const auto seq = stream.seq_at(now);
    CHECK(stream.due_time(seq) <= now);
    CHECK(stream.due_time(seq + 1) > now);
    CHECK(stream.seq_at(stream.due_time(seq)) == seq);
  }
}

TEST_CASE("a numbered packet tells its number and when it was due", "[numbered]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const auto begin = begin_of(stream);
  const auto parsed = ace::test::parse_numbered(packet_of(stream, begin + 2));
  REQUIRE(parsed);
  CHECK(parsed->seq == begin + 2);
  CHECK(parsed->tag == ace::test::stream_tag(kInfohash));
  CHECK(parsed->due == stream.due_time(begin + 2));
  CHECK(parsed->interval == stream.interval());
  CHECK(parsed->is_random_access);
  CHECK_FALSE(ace::test::parse_numbered(packet_of(stream, begin + 3))->is_random_access);
  CHECK_FALSE(ace::test::parse_numbered(packet_of(stream, begin)));
}

TEST_CASE("tables stand before every picture and are whole", "[numbered]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const auto begin = begin_of(stream);
  CHECK(ace::test::pid_of(packet_of(stream, begin)) == ace::test::kPatPid);
  CHECK(ace::test::pid_of(packet_of(stream, begin + 1)) == ace::test::kPmtPid);
  CHECK(ace::test::is_valid_table(packet_of(stream, begin)));
  CHECK(ace::test::is_valid_table(packet_of(stream, begin + 1)));
  auto broken = packet_of(stream, begin);
  broken[10] ^= std::byte{1};
  CHECK_FALSE(ace::test::is_valid_table(broken));
}

TEST_CASE("the continuity counter runs on over tables", "[numbered]") {
  const NumberedStream stream{kInfohash, kBitrate};
  auto seq = begin_of(stream) + 2;
  auto counter = std::to_integer<unsigned>(packet_of(stream, seq)[3]) & 15U;
  for (std::uint32_t i = 0; i < 3 * stream.interval(); ++i) {
    seq = ace::test::next_numbered(seq, stream.interval());
    const auto next = std::to_integer<unsigned>(packet_of(stream, seq)[3]) & 15U;
    REQUIRE(next == ((counter + 1) & 15U));
    counter = next;
  }
}

TEST_CASE("any changed bit but the discontinuity indicator is noticed", "[numbered]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const auto picture = packet_of(stream, begin_of(stream) + 2);
  for (std::size_t bit = 0; bit < kTsPacketSize * 8; ++bit) {
    auto changed = picture;
    changed[bit / 8] ^= std::byte{static_cast<std::uint8_t>(1U << (bit % 8))};
    const bool is_indicator = bit == 5 * 8 + 7;
    INFO("bit " << bit);
    REQUIRE(ace::test::parse_numbered(changed).has_value() == is_indicator);
  }
}

TEST_CASE("a content id has an infohash of its own", "[numbered]") {
  const auto infohash = ace::test::infohash_of_content(kInfohash);
  CHECK(infohash.size() == 40);
  CHECK(infohash != kInfohash);
  CHECK(infohash == ace::test::infohash_of_content(kInfohash));
  CHECK(infohash != ace::test::infohash_of_content(std::string(40, 'b')));
}

TEST_CASE("a whole stream is clean however it is cut", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const auto bytes = run_of(stream, begin_of(stream), 3 * stream.interval());
  const ByteSpan all{bytes};
  for (std::size_t cut = 0; cut <= 2 * kTsPacketSize + 1; ++cut) {
    NumberedChecker checker;
    checker.feed(all.first(cut), SteadyTime{});
    checker.feed(all.subspan(cut, 1), SteadyTime{});
    checker.feed(all.subspan(cut + 1), SteadyTime{});
    checker.end();
    INFO("cut at " << cut);
    REQUIRE(checker.is_clean());
    REQUIRE(checker.counts().numbered == 3 * (stream.interval() - 2));
    REQUIRE(checker.counts().tables == 6);
    REQUIRE(checker.began_decodable());
  }
}

TEST_CASE("a missing packet is a gap, and how many are missing is told", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  auto bytes = run_of(stream, begin_of(stream), 2 * stream.interval());
  // The last numbered packet of the interval, two tables, and the first one of the next.
  for (int i = 0; i < 4; ++i) drop_packet(bytes, stream.interval() - 1);
  const auto checker = checked(bytes);
  REQUIRE(checker.faults().size() == 1);
  CHECK(checker.faults()[0].fault == StreamFault::Gap);
  CHECK(checker.faults()[0].offset == (stream.interval() - 1) * kTsPacketSize);
  CHECK(checker.counts().missing == 2);
}

TEST_CASE("a gap that a discontinuity indicator announces is a skip", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const auto begin = begin_of(stream);
  auto bytes = run_of(stream, begin, 10);
  auto later = run_of(stream, begin + stream.random_access_period() + 2, 5);
  later[5] |= std::byte{0x80};
  bytes.insert(bytes.end(), later.begin(), later.end());
  const auto checker = checked(bytes);
  CHECK(checker.is_clean());
  CHECK(checker.counts().marked_skips == 1);
  CHECK(checker.counts().missing > 0);
}

TEST_CASE("a packet that comes twice is a repeat", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  auto bytes = run_of(stream, begin_of(stream), 10);
  const auto again = run_of(stream, begin_of(stream) + 9, 3);
  bytes.insert(bytes.end(), again.begin(), again.end());
  const auto checker = checked(bytes);
  REQUIRE(checker.faults().size() == 1);
  CHECK(checker.faults()[0].fault == StreamFault::Repeat);
}

TEST_CASE("a lost byte is noticed wherever it was, and the rest is checked", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const auto bytes = run_of(stream, begin_of(stream), 12);
  for (std::size_t lost = 0; lost < kTsPacketSize; ++lost) {
    auto fewer = bytes;
    fewer.erase(fewer.begin() + static_cast<std::ptrdiff_t>(5 * kTsPacketSize + lost));
    const auto checker = checked(fewer);
    INFO("byte " << lost);
    REQUIRE_FALSE(checker.is_clean());
    REQUIRE(std::ranges::count(checker.faults(), StreamFault::BadSync,
                               &ace::test::FaultRecord::fault) == 1);
    REQUIRE(checker.last_seq() == begin_of(stream) + 11);
  }
}

TEST_CASE("null packets are counted and never a fault", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  auto bytes = run_of(stream, begin_of(stream), 6);
  TsPacket null{};
  null.fill(std::byte{0xFF});
  null[0] = std::byte{0x47};
  null[1] = std::byte{0x1F};
  null[3] = std::byte{0x10};
  bytes.insert(bytes.begin() + 4 * kTsPacketSize, null.begin(), null.end());
  const auto checker = checked(bytes);
  CHECK(checker.is_clean());
  CHECK(checker.counts().nulls == 1);
}

TEST_CASE("a foreign packet and a torn end are faults", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const NumberedStream other{std::string(40, 'b'), kBitrate};
  auto bytes = run_of(stream, begin_of(stream), 6);
  const auto foreign = run_of(other, begin_of(stream) + 6, 1);
  bytes.insert(bytes.end(), foreign.begin(), foreign.end());
  bytes.push_back(std::byte{0x47});
  const auto checker = checked(bytes);
  REQUIRE(checker.faults().size() == 2);
  CHECK(checker.faults()[0].fault == StreamFault::Foreign);
  CHECK(checker.faults()[1].fault == StreamFault::TornEnd);
}

TEST_CASE("a stream that was not asked for is foreign from its first packet on", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const auto bytes = run_of(stream, begin_of(stream), 20);
  const auto tag = ace::test::stream_tag(kInfohash);
  NumberedChecker right{{tag + 1, tag}};
  right.feed(bytes, SteadyTime{});
  CHECK(right.is_clean());
  NumberedChecker wrong{{tag + 1}};
  wrong.feed(bytes, SteadyTime{});
  REQUIRE(wrong.faults().size() == 1);
  CHECK(wrong.faults()[0].fault == StreamFault::Foreign);
}

TEST_CASE("a stream that begins inside a group of pictures did not begin decodable", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  CHECK_FALSE(checked(run_of(stream, begin_of(stream) + 5, 20)).began_decodable());
  CHECK_FALSE(checked(run_of(stream, begin_of(stream) + stream.interval(), 9)).began_decodable());
}

TEST_CASE("ages are measured from when a packet was due", "[checker]") {
  const NumberedStream stream{kInfohash, kBitrate};
  const auto seq = begin_of(stream) + 2;
  AgeHistogram ages;
  NumberedChecker checker;
  checker.feed(packet_of(stream, seq), stream.due_time(seq) + 40ms, &ages);
  checker.feed(packet_of(stream, seq + 1), stream.due_time(seq + 1) + 90ms, &ages);
  CHECK(ages.count() == 2);
  CHECK(ages.percentile(0.5) == 40ms);
  CHECK(ages.max() == 90ms);
}
