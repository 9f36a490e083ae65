#include "proto/ids.h"

#include <string>

#include <catch2/catch.hpp>

using ace::proto::StreamId;

TEST_CASE("a stream id is 40 hex digits in either case and one stream", "[ids]") {
  const auto lower = StreamId::parse("94c2fd8fb9bc8f2fc71a2cbe9d4b866f227a0209");
  const auto upper = StreamId::parse("94C2FD8FB9BC8F2FC71A2CBE9D4B866F227A0209");
  REQUIRE(lower.has_value());
  REQUIRE(upper.has_value());
  CHECK(*lower == *upper);
  CHECK(upper->text() == "94c2fd8fb9bc8f2fc71a2cbe9d4b866f227a0209");
}

TEST_CASE("what is not 40 hex digits is no stream id", "[ids]") {
  const std::string good(40, 'a');
  CHECK(StreamId::parse(good).has_value());
  CHECK_FALSE(StreamId::parse("").has_value());
  CHECK_FALSE(StreamId::parse(good.substr(1)).has_value());
  CHECK_FALSE(StreamId::parse(good + "a").has_value());
  for (const char bad : {'g', ' ', '\0', '-', '{', '\n', 'G'}) {
    auto text = good;
    text[17] = bad;
    CHECK_FALSE(StreamId::parse(text).has_value());
  }
}
