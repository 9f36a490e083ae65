#include "proto/mpeg_ts/ts_packet.h"

#include <string>

#include <catch2/catch.hpp>

#include "tests/support/viewers/numbered_ts.h"
#include "tests/unit/proto/mpeg_ts/ts_packets.h"

using namespace ace::test;
using ace::as_bytes;
using ace::as_text;
using ace::proto::kPcrWrap;
using ace::proto::parse_ts_packet;

TEST_CASE("a packet says what it was made to say", "[ts_packet]") {
  const auto raw = packet({.pid = 0x1abc,
                           .begins_unit = true,
                           .is_scrambled = true,
                           .is_random_access = true,
                           .is_discontinuity = true,
                           .pcr_90k = 0x1'2345'6789,
                           .payload = "payload"});
  const auto parsed = parse_ts_packet(as_bytes(raw));
  CHECK(parsed.pid == 0x1abc);
  CHECK(parsed.begins_unit);
  CHECK(parsed.is_scrambled);
  CHECK(parsed.is_random_access);
  CHECK(parsed.is_discontinuity);
  CHECK(parsed.pcr == 0x1'2345'6789U * 300);
  CHECK(as_text(parsed.payload).substr(0, 7) == "payload");
}

TEST_CASE("a field that leaves the packet counts as no field and no payload", "[ts_packet]") {
  auto raw = packet({.pid = 0x100, .is_random_access = true, .pcr_90k = 1, .payload = "payload"});
  raw[4] = static_cast<char>(184);
  const auto parsed = parse_ts_packet(as_bytes(raw));
  CHECK_FALSE(parsed.is_random_access);
  CHECK_FALSE(parsed.pcr);
  CHECK(parsed.payload.empty());
}

TEST_CASE("a PCR that its field is too short for is none", "[ts_packet]") {
  auto raw = packet({.pid = 0x100, .pcr_90k = 1});
  raw[4] = 6;
  CHECK_FALSE(parse_ts_packet(as_bytes(raw)).pcr);
}

TEST_CASE("a PCR stays below its wrap whatever its extension", "[ts_packet]") {
  auto raw = packet({.pid = 0x100, .pcr_90k = 0x1'ffff'ffff});
  CHECK(parse_ts_packet(as_bytes(raw)).pcr == kPcrWrap - 300);
  raw[10] = static_cast<char>(raw[10] | 1);
  raw[11] = static_cast<char>(0xff);  // 511, where 299 is the last
  CHECK(parse_ts_packet(as_bytes(raw)).pcr == 211U);
}
