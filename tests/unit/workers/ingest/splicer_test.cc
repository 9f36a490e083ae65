#include "workers/streams/ingest/splicer.h"

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "proto/mpeg_ts/discontinuity_marker.h"
#include "tests/support/viewers/numbered_checker.h"
#include "tests/support/viewers/numbered_ts.h"

using namespace std::chrono_literals;
using namespace ace::literals;
using ace::ByteSpan;
using ace::SteadyTime;
using ace::proto::Chunk;
using ace::proto::ChunkPtr;
using ace::streams::Splicer;
using ace::test::NumberedChecker;
using ace::test::NumberedStream;

namespace {

constexpr std::size_t kPacket = 188;
const std::string kHash(40, 'b');
constexpr std::size_t kSliceAt = 36;           // of a picture's first packet: the slice's type
constexpr std::uint64_t kBitrate = 2'000'000;  // 53 packets an interval, 1325 a second

using Bytes = std::vector<std::byte>;

/// Packets first … last - 1 of a stream.
Bytes packets(std::uint64_t first, std::uint64_t last, const std::string& hash = kHash) {
  const NumberedStream stream{hash, kBitrate};
  Bytes bytes((last - first) * kPacket);
  for (auto seq = first; seq < last; ++seq) {
    stream.make(seq,
                std::span<std::byte, kPacket>{bytes.data() + (seq - first) * kPacket, kPacket});
  }
  return bytes;
}

Bytes operator+(Bytes left, const Bytes& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

Bytes null_packets(std::size_t count) {
  Bytes bytes(count * kPacket, std::byte{0xFF});
  for (std::size_t at = 0; at < bytes.size(); at += kPacket) {
    bytes[at] = std::byte{0x47};
    bytes[at + 1] = std::byte{0x1F};
    bytes[at + 3] = std::byte{0x10};
  }
  return bytes;
}

/// Cut at several places, as chunks are.
std::vector<ChunkPtr> chunks(const Bytes& bytes) {
  std::vector<ChunkPtr> made;
  constexpr std::size_t kChunk = 17 * kPacket;
  for (std::size_t at = 0; at < bytes.size(); at += kChunk) {
    made.push_back(
        Chunk::copy_of(ByteSpan{bytes}.subspan(at, std::min(kChunk, bytes.size() - at))));
  }
  return made;
}

struct Spliced {
  Bytes out;
  bool is_passing{};
};

Spliced splice(const Bytes& tail, const Bytes& fresh, std::size_t cut = 7 * kPacket,
               Splicer::Limits limits = {}) {
  Splicer splicer{limits};
  splicer.begin(chunks(tail));
  Spliced result;
  for (std::size_t at = 0; at < fresh.size(); at += cut) {
    splicer.feed(
        ByteSpan{fresh}.subspan(at, std::min(cut, fresh.size() - at)), SteadyTime{},
        [&](ByteSpan bytes) { result.out.insert(result.out.end(), bytes.begin(), bytes.end()); });
  }
  result.is_passing = splicer.is_passing();
  return result;
}

NumberedChecker checked(const Bytes& bytes) {
  NumberedChecker checker;
  checker.feed(bytes, SteadyTime{});
  checker.end();
  return checker;
}

std::uint64_t random_access_after(std::uint64_t seq) {
  const auto period = NumberedStream{kHash, kBitrate}.random_access_period();
  return (seq / period + 1) * period;  // its PAT; PMT and picture follow
}

}  // namespace

TEST_CASE("without a tail a session passes as it is", "[splicer]") {
  const auto fresh = packets(5, 40);
  const auto result = splice({}, fresh);
  CHECK(result.out == fresh);
  CHECK(result.is_passing);
}

TEST_CASE("what overlaps is dropped, wherever it begins and however it is cut", "[splicer]") {
  const std::uint64_t end = 3000;
  for (const std::uint64_t first : {2000U, 2001U, 2500U, 2931U, 2990U, 2999U, 3000U}) {
    for (const std::size_t cut : {kPacket, 5 * kPacket, 2000 * kPacket}) {
      CAPTURE(first, cut);
      const auto result = splice(packets(2000, end), packets(first, end + 4000), cut);
      if (first == end) continue;  // no overlap: the seam is tried below
      CHECK(result.out == packets(end, end + 4000));
      CHECK(result.is_passing);
    }
  }
}

TEST_CASE("a session that begins before the tail meets it", "[splicer]") {
  const auto result = splice(packets(2000, 3000), packets(1500, 3300));
  CHECK(result.out == packets(3000, 3300));
}

TEST_CASE("a long backlog is no repeat to anybody", "[splicer]") {
  // More than is looked through otherwise: its clock tells that it is old.
  Splicer::Limits limits;
  limits.match_bytes = 100 * kPacket;
  const auto result = splice(packets(20'000, 21'000), packets(8'000, 22'000), 7 * kPacket, limits);
  CHECK(result.out == packets(21'000, 22'000));
}

TEST_CASE("a clock that has begun anew costs no wait", "[splicer]") {
  const std::string other(40, 'c');
  std::uint64_t tail_from{};
  std::uint64_t fresh_from{};
  SECTION("long before what viewers have got") {
    tail_from = 20'000;
    fresh_from = random_access_after(100) - 20;
  }
  SECTION("some seconds before it") {
    tail_from = 20'000;
    fresh_from = random_access_after(12'000) - 20;
  }
  SECTION("within it") {
    tail_from = 16'000;
    fresh_from = random_access_after(18'000) - 20;
  }
  Splicer splicer;
  splicer.begin(chunks(packets(tail_from, 21'000)));
  Bytes out;
  SteadyTime now;
  const auto live = packets(fresh_from, fresh_from + 4'000, other);
  constexpr std::size_t kTurn = 13 * kPacket;  // 10 ms
  for (std::size_t at = 0; out.empty() && at < live.size(); at += kTurn) {
    splicer.feed(ByteSpan{live}.subspan(at, std::min(kTurn, live.size() - at)), now,
                 [&](ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
    now += 10ms;
  }
  CHECK(now - SteadyTime{} <= 800ms);
  // From its first random access point on: nothing of the wait is lost.
  const auto start = random_access_after(fresh_from);
  REQUIRE(out.size() > 2 * kPacket);
  const auto head = packets(start, start + 2, other);
  CHECK(std::equal(head.begin(), head.end(), out.begin()));
}

TEST_CASE("a backlog that comes as fast as time does is waited for while it is short",
          "[splicer]") {
  Splicer splicer;
  splicer.begin(chunks(packets(20'000, 20'100)));
  Bytes out;
  SteadyTime now;
  const auto live = packets(18'000, 21'000);  // 1.5 s behind
  constexpr std::size_t kTurn = 13 * kPacket;
  for (std::size_t at = 0; at < live.size(); at += kTurn) {
    splicer.feed(ByteSpan{live}.subspan(at, std::min(kTurn, live.size() - at)), now,
                 [&](ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
    now += 10ms;
  }
  CHECK(out == packets(20'100, 21'000));
}

TEST_CASE("null packets and markers of both sides do not count", "[splicer]") {
  const auto tail = packets(1000, 1500) + null_packets(3) + packets(1500, 1510) + null_packets(9);
  const auto fresh = null_packets(2) + packets(1400, 1450) + null_packets(5) + packets(1450, 1800);
  CHECK(splice(tail, fresh).out == packets(1510, 1800));

  const auto first_seam = splice(packets(0, 500), packets(900, 4000)).out;
  CHECK(splice(first_seam, packets(2500, 4500)).out == packets(4000, 4500));
}

TEST_CASE("newer packets go on at a random access point, marked as a jump", "[splicer]") {
  const auto tail = packets(2000, 3000);
  const auto result = splice(tail, packets(3007, 6000));
  REQUIRE(result.is_passing);
  const auto start = random_access_after(3007);
  // PAT, PMT, the marker, and from the picture on every packet as it came.
  REQUIRE(result.out.size() == (6000 - start + 1) * kPacket);
  const auto head = packets(start, start + 2);
  CHECK(std::equal(head.begin(), head.end(), result.out.begin()));
  const auto media = packets(start + 2, 6000);
  CHECK(std::equal(media.begin(), media.end(), result.out.begin() + 3 * kPacket));

  const auto checker = checked(tail + result.out);
  CHECK(checker.is_clean());
  CHECK(checker.counts().markers == 1);
  CHECK(checker.counts().marked_skips == 1);
}

TEST_CASE("a key frame that no flag announces is a place to go on", "[splicer]") {
  auto fresh = packets(3007, 6000);
  for (std::size_t at = 0; at < fresh.size(); at += kPacket) {
    if ((fresh[at + 3] & std::byte{0x20}) != std::byte{}) fresh[at + 5] &= ~std::byte{0x40};
  }
  const auto result = splice(packets(2000, 3000), fresh);
  REQUIRE(result.is_passing);
  const auto picture = random_access_after(3007) + 2;
  CHECK(result.out.size() == (6000 - picture + 3) * kPacket);
}

TEST_CASE("a session that begins with a key frame gets the tables viewers know", "[splicer]") {
  const auto picture = random_access_after(3007) + 2;
  const auto result = splice(packets(2000, 3000), packets(picture, picture + 50));
  REQUIRE(result.is_passing);
  REQUIRE(result.out.size() == (50 + 3) * kPacket);
  const auto interval = NumberedStream{kHash, kBitrate}.interval();
  const auto last_tables = 2999 / interval * interval;
  const auto tables = packets(last_tables, last_tables + 2);
  CHECK(std::equal(tables.begin(), tables.end(), result.out.begin()));
}

TEST_CASE("a key frame that shows packets later is begun with its first one", "[splicer]") {
  const auto key = random_access_after(3007) + 2;
  auto fresh = packets(3007, key + 100);
  auto* const picture = fresh.data() + (key - 3007) * kPacket;
  picture[5] &= ~std::byte{0x40};
  picture[kSliceAt] = std::byte{0x06};
  constexpr std::array kSlice{std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0x65}};
  std::ranges::copy(kSlice, picture + kPacket + 4);
  Splicer splicer;
  splicer.begin(chunks(packets(2000, 3000)));
  Bytes out;
  for (std::size_t at = 0; at < fresh.size(); at += kPacket) {
    splicer.feed(ByteSpan{fresh}.subspan(at, kPacket), SteadyTime{},
                 [&](ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); });
  }
  REQUIRE(out.size() == (2 + 1 + 100) * kPacket);  // tables, a marker
  CHECK(std::equal(picture, picture + 100 * kPacket, out.begin() + 3 * kPacket));
}

TEST_CASE("a marker counts as its packets do", "[splicer]") {
  const auto out = splice(packets(2000, 3000), packets(3007, 6000)).out;
  const auto* marker = out.data() + 2 * kPacket;
  const auto* picture = out.data() + 3 * kPacket;
  CHECK(marker[1] == std::byte{0x01});
  CHECK(marker[2] == std::byte{0x00});
  CHECK((marker[3] & std::byte{0xF0}) == std::byte{0x20});  // no payload
  CHECK(((std::to_integer<unsigned>(marker[3]) + 1U) & 0xFU) ==
        (std::to_integer<unsigned>(picture[3]) & 0xFU));
  CHECK(marker[4] == std::byte{183});
  CHECK(marker[5] == std::byte{0x80});
}

TEST_CASE("a run that breaks off before the tail's end is no repeat either", "[splicer]") {
  // The new session has lost some packets that the viewers have got.
  const auto fresh = packets(2500, 2600) + packets(2700, 3500);
  CHECK(splice(packets(2000, 3000), fresh).out == packets(3000, 3500));

  // It goes on with what nobody has got.
  const auto jumped = packets(2500, 2600) + packets(3200, 6000);
  const auto result = splice(packets(2000, 3000), jumped);
  const auto checker = checked(packets(2000, 3000) + result.out);
  CHECK(checker.is_clean());
  CHECK(checker.counts().marked_skips == 1);
  CHECK(checker.last_seq() == 5999);
}

TEST_CASE("tables that come again are no overlap", "[splicer]") {
  // The same PAT and PMT, bit by bit, lie in the tail: sixteen intervals before.
  const auto interval = NumberedStream{kHash, kBitrate}.interval();
  const auto tail = packets(99ULL * interval, 100ULL * interval + 2);
  const auto fresh = packets(116ULL * interval, 180ULL * interval);
  REQUIRE(std::equal(tail.end() - 2 * kPacket, tail.end(), fresh.begin()));
  const auto result = splice(tail, fresh);
  CHECK(checked(result.out).counts().markers == 1);
}

TEST_CASE("a stream without random access points goes on after a while", "[splicer]") {
  auto fresh = packets(3007, 4100);
  for (std::size_t at = 0; at < fresh.size(); at += kPacket) {
    if ((fresh[at + 3] & std::byte{0x20}) == std::byte{}) continue;
    fresh[at + 5] &= ~std::byte{0x40};
    fresh[at + kSliceAt] = std::byte{0x41};
  }
  Splicer splicer;
  splicer.begin(chunks(packets(2000, 3000)));
  Bytes out;
  const auto sink = [&](ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
  const SteadyTime start{};
  const auto first = ByteSpan{fresh}.first(1000 * kPacket);
  const auto rest = ByteSpan{fresh}.subspan(1000 * kPacket);
  splicer.feed(first, start, sink);
  CHECK(out.empty());
  splicer.feed(rest, start + 1199ms, sink);
  CHECK(out.empty());
  splicer.feed(null_packets(1), start + 1200ms, sink);
  REQUIRE(out.size() == fresh.size() + 2 * kPacket);  // a marker, and the null packet
  CHECK(std::equal(fresh.begin(), fresh.end(), out.begin() + kPacket));
  CHECK(splicer.is_passing());
}

TEST_CASE("the bounds in bytes hold as well", "[splicer]") {
  // Another stream, whose clock tells nothing: the first bound, then the second.
  auto fresh = packets(3007, 9000);
  for (std::size_t at = 0; at < fresh.size(); at += kPacket) {
    if ((fresh[at + 3] & std::byte{0x20}) != std::byte{}) fresh[at + 5] = std::byte{};
  }
  Splicer::Limits limits;
  limits.match_bytes = 100 * kPacket;
  limits.start_bytes = 300 * kPacket;
  Splicer splicer{limits};
  splicer.begin(chunks(packets(2000, 3000)));
  std::size_t out = 0;
  std::size_t fed = 0;
  while (!splicer.is_passing()) {
    splicer.feed(ByteSpan{fresh}.subspan(fed, kPacket), SteadyTime{},
                 [&](ByteSpan bytes) { out += bytes.size(); });
    fed += kPacket;
    REQUIRE(fed <= 300 * kPacket);
  }
  CHECK(fed == 300 * kPacket);
  CHECK(out == fed + kPacket);
}

TEST_CASE("every packet that comes out came in, or is a table or a marker", "[splicer]") {
  // Seams of all distances, one after the other, as takeovers follow each other.
  Bytes got = packets(0, 800);
  std::uint64_t from = 700;
  for (std::size_t round = 0; round < 40; ++round) {
    const auto tail_size = std::min<std::size_t>(got.size(), 700 * kPacket);
    const Bytes tail(got.end() - static_cast<std::ptrdiff_t>(tail_size), got.end());
    const auto upto = from + 3000;
    got = got + splice(tail, packets(from, upto), (1 + round % 9) * kPacket).out;
    from = upto - 150 + round * 37 % 300;
  }
  const auto checker = checked(got);
  CHECK(checker.is_clean());
  CHECK(checker.counts().markers == checker.counts().marked_skips);
  CHECK(checker.counts().markers > 5);
}

TEST_CASE("junk in packets is survived", "[splicer]") {
  auto fresh = packets(0, 600);
  for (std::size_t at = 0; at < fresh.size(); ++at) {
    if (at % kPacket != 0)
      fresh[at] = std::byte(static_cast<std::uint8_t>(at * 2654435761U >> 13U));
  }
  Splicer::Limits limits;
  limits.match_bytes = 50 * kPacket;
  limits.start_bytes = 100 * kPacket;
  CHECK(splice(fresh, packets(0, 600), kPacket, limits).is_passing);
  CHECK(splice(packets(0, 600), fresh, kPacket, limits).is_passing);
}

TEST_CASE("a seam is marked in each PID whose counter does not go on", "[splicer]") {
  const auto tail = packets(0, 2000);
  // A second elementary stream, which the numbered one has not: as audio beside its picture.
  constexpr std::uint16_t kAudio = 0x0155;
  const auto audio = [](unsigned counter) {
    Bytes packet(kPacket, std::byte{0x33});
    packet[0] = std::byte{0x47};
    packet[1] = std::byte{kAudio >> 8U};
    packet[2] = std::byte{kAudio & 0xFFU};
    packet[3] = std::byte{static_cast<std::uint8_t>(0x10U | counter)};
    return packet;
  };
  const auto markers_of_audio = [](const Bytes& bytes) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < bytes.size(); at += kPacket) {
      const auto raw = ByteSpan{bytes}.subspan(at, kPacket);
      const bool is_audio = ace::proto::parse_ts_packet(raw).pid == kAudio;
      if (is_audio && ace::proto::is_discontinuity_marker(raw)) ++count;
    }
    return count;
  };
  const auto seen = audio(4) + tail;
  SECTION("an exact one that goes on") {
    const auto fresh = packets(1500, 2100) + audio(5) + audio(6) + packets(2100, 2200);
    const auto result = splice(seen, fresh);
    const bool is_plain =
        result.out == packets(2000, 2100) + audio(5) + audio(6) + packets(2100, 2200);
    CHECK(is_plain);
  }
  SECTION("an exact one that does not") {
    const auto fresh = packets(1500, 2000) + audio(9) + audio(10) + packets(2000, 2200);
    const auto result = splice(seen, fresh);
    CHECK(markers_of_audio(result.out) == 1);
    CHECK(result.out.size() == 203 * kPacket);
  }
  SECTION("a jump, in any case") {
    const auto at = random_access_after(4000);
    const auto fresh = packets(4000, at + 20) + audio(5) + audio(6) + packets(at + 20, at + 200);
    const auto result = splice(seen, fresh);
    CHECK(markers_of_audio(result.out) == 1);
    CHECK(checked(result.out).counts().markers >= 1);
  }
  SECTION("however late the PID speaks") {
    Splicer splicer;
    splicer.begin(chunks(seen));
    Bytes out;
    const auto sink = [&](ByteSpan bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); };
    splicer.feed(packets(1500, 2100), SteadyTime{}, sink);
    CHECK(splicer.is_passing());
    CHECK_FALSE(splicer.is_done());
    splicer.feed(audio(9), SteadyTime{}, sink);
    CHECK(splicer.is_done());
    CHECK(markers_of_audio(out) == 1);
  }
}
