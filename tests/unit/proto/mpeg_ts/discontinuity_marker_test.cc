#include "proto/mpeg_ts/discontinuity_marker.h"

#include <string>

#include <catch2/catch.hpp>

#include "tests/support/viewers/numbered_ts.h"
#include "tests/unit/proto/mpeg_ts/ts_packets.h"

using namespace ace::test;
using ace::as_bytes;
using ace::ByteSpan;
using ace::proto::discontinuity_marker;
using ace::proto::parse_ts_packet;

TEST_CASE("a marker names the PID that jumps and says nothing else", "[discontinuity_marker]") {
  const auto next = packet({.pid = 0x1abc, .begins_unit = true, .payload = pes("picture")});
  const auto marker = discontinuity_marker(as_bytes(next));
  CHECK(marker[0] == std::byte{0x47});
  const auto parsed = parse_ts_packet(marker);
  CHECK(parsed.pid == 0x1abc);
  CHECK(parsed.is_discontinuity);
  CHECK_FALSE(parsed.begins_unit);
  CHECK_FALSE(parsed.is_scrambled);
  CHECK_FALSE(parsed.is_random_access);
  CHECK_FALSE(parsed.pcr);
  CHECK(parsed.payload.empty());
}

TEST_CASE("a marker's counter comes before the next packet's", "[discontinuity_marker]") {
  auto next = packet({.pid = 0x100});
  for (unsigned counter = 0; counter < 16; ++counter) {
    next[3] = static_cast<char>(0x10U | counter);
    const auto marker = discontinuity_marker(as_bytes(next));
    CHECK((std::to_integer<unsigned>(marker[3]) + 1U) % 16 == counter);
  }
}

TEST_CASE("only a marker is taken for one", "[discontinuity_marker]") {
  const auto is_marker = [](const std::string& raw) {
    return ace::proto::is_discontinuity_marker(as_bytes(raw));
  };
  const auto media = packet({.pid = 0x100, .payload = "media"});
  const auto marker = discontinuity_marker(as_bytes(media));
  CHECK(ace::proto::is_discontinuity_marker(marker));
  CHECK_FALSE(is_marker(media));
  CHECK_FALSE(is_marker(packet({.pid = 0x100, .is_discontinuity = true, .payload = "media"})));

  const std::string made{ace::as_text(marker)};
  auto with_payload = made;
  with_payload[3] = static_cast<char>(with_payload[3] | 0x10);
  CHECK_FALSE(is_marker(with_payload));
  auto with_pcr = made;
  with_pcr[5] = static_cast<char>(0x90);
  CHECK_FALSE(is_marker(with_pcr));
  auto shorter = made;
  --shorter[4];
  CHECK_FALSE(is_marker(shorter));
}

TEST_CASE("a jump is marked for each elementary stream, and for nothing else",
          "[discontinuity_marker]") {
  const auto pmt = packet({.pid = 0x1000, .begins_unit = true, .payload = "section"});
  const auto video = packet({.pid = 0x100, .payload = "the rest of a picture"});
  const auto next_video = packet({.pid = 0x100, .begins_unit = true, .payload = pes("picture")});
  const auto clock = packet({.pid = 0x1ff, .pcr_90k = 1234});
  const auto null = packet({.pid = 0x1fff});
  const auto markers = ace::proto::jump_markers(as_bytes(null + pmt + video + next_video + clock));
  const auto of = [](const std::string& media) {
    return std::string{ace::as_text(discontinuity_marker(as_bytes(media)))};
  };
  CHECK(ace::as_text(ByteSpan{markers}) == of(video) + of(clock));
}

TEST_CASE("where no stream shows itself the busiest PID is marked", "[discontinuity_marker]") {
  const auto table = packet({.pid = 0x1000, .begins_unit = true, .payload = "section"});
  const auto media = packet({.pid = 0x100, .payload = "scrambled"});
  const auto markers = ace::proto::jump_markers(as_bytes(table + media + media));
  CHECK(ace::as_text(ByteSpan{markers}) == ace::as_text(discontinuity_marker(as_bytes(media))));
  CHECK(ace::proto::jump_markers({}).empty());
}
