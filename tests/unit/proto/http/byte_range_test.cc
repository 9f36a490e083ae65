#include "proto/http/byte_range.h"

#include <catch2/catch.hpp>

using namespace ace::proto::http;

namespace {

std::string range_of(std::string_view header, bool has_condition = false) {
  Request request;
  request.headers.push_back({.name = "range", .value = std::string{header}});
  if (has_condition) request.headers.push_back({.name = "if-range", .value = "\"x\""});
  const auto range = requested_range(request);
  return range ? range->text() : "none";
}

}  // namespace

TEST_CASE("one part of a content is passed on, anything else is not", "[byte_range]") {
  CHECK(range_of("bytes=0-0") == "0-0");
  CHECK(range_of("bytes=10-") == "10-");
  CHECK(range_of("bytes=-10") == "-10");
  CHECK(range_of("bytes=10-", true) == "none");
  for (const auto* nonsense :
       {"", "bytes", "bytes=", "bytes=-", "bytes=2-1", "bytes=1-2,4-5", "bytes=a-b", "bytes=1--2",
        "bytes= 1-2", "bytes=+1-2", "items=1-2", "bytes=1", "bytes=0x1-2", "bytes=1-2\r\nX: y",
        "bytes=9223372036854775808-", "bytes=99999999999999999999-"}) {
    CAPTURE(nonsense);
    CHECK(range_of(nonsense) == "none");
  }
}

TEST_CASE("what begins in the middle is a seek", "[byte_range]") {
  CHECK_FALSE(ByteRange{.first = 0, .last = {}}.is_seek());
  CHECK(ByteRange{.first = 1, .last = {}}.is_seek());
  CHECK(ByteRange{.first = {}, .last = 5}.is_seek());
}

TEST_CASE("a part says which it is, or is not believed", "[byte_range]") {
  const auto part = parse_content_range("bytes 10-19/100");
  REQUIRE(part);
  CHECK(part->first == 10);
  CHECK(part->last == 19);
  CHECK(part->total == 100U);
  CHECK(part->text() == "bytes 10-19/100");
  CHECK(parse_content_range("bytes 0-0/*")->text() == "bytes 0-0/*");
  for (const auto* nonsense : {"", "bytes", "bytes */5", "bytes 5-4/9", "bytes 0-9/9", "bytes 0-/9",
                               "bytes 1-2", "bytes 1/2-3", "items 1-2/3", "bytes 1-2/3 "}) {
    CAPTURE(nonsense);
    CHECK_FALSE(parse_content_range(nonsense));
  }
  CHECK(parse_unsatisfied_range("bytes */100") == 100U);
  CHECK_FALSE(parse_unsatisfied_range("bytes 1-2/100"));
}
