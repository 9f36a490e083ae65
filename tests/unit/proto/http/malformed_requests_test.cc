#include "tests/support/requests/malformed_requests.h"

#include <catch2/catch.hpp>

#include "tests/unit/proto/http/parsing.h"

using ace::as_bytes;
using ace::proto::http::Parse;
using ace::proto::http::RequestParser;
using ace::test::conclude;
using ace::test::malformed_requests;
using ace::test::odd_request_lines;
using ace::test::parse;
using ace::test::Parsed;

namespace {

constexpr std::size_t kLong = 4096;

bool is_same(const Parsed& a, const Parsed& b) {
  return a.outcome == b.outcome && a.status == b.status && a.text == b.text;
}

Parsed parse_in_two(std::string_view text, std::size_t cut) {
  RequestParser parser;
  const auto first = parser.feed(as_bytes(text.substr(0, cut)));
  if (first.outcome != Parse::NeedMore) return conclude(parser, first.outcome, first.consumed);
  const auto second = parser.feed(as_bytes(text.substr(cut)));
  return conclude(parser, second.outcome, first.consumed + second.consumed);
}

Parsed parse_by_bytes(std::string_view text) {
  RequestParser parser;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto fed = parser.feed(as_bytes(text.substr(i, 1)));
    if (fed.outcome != Parse::NeedMore) return conclude(parser, fed.outcome, i + fed.consumed);
  }
  return conclude(parser, Parse::NeedMore, text.size());
}

}  // namespace

TEST_CASE("a malformed request is refused, however its bytes are cut", "[http][malformed]") {
  const auto requests = malformed_requests();
  REQUIRE(requests.size() >= 80);
  for (const auto& request : requests) {
    INFO(request.name);
    const auto whole = parse(request.bytes);
    // What is well-formed, but wrong here, is the router's to refuse.
    if (whole.outcome == Parse::Complete) {
      CHECK(request.status == 404);
    } else {
      REQUIRE(whole.outcome == Parse::Refused);
      CHECK(whole.status == request.status);
    }
    CHECK(is_same(parse_by_bytes(request.bytes), whole));
    std::size_t differing = 0;
    // What is long is mostly one letter: not each of its cuts is a case of its own.
    const std::size_t step = request.bytes.size() < kLong ? 1 : 127;
    for (std::size_t cut = 0; cut <= request.bytes.size(); cut += step) {
      if (!is_same(parse_in_two(request.bytes, cut), whole)) ++differing;
    }
    CHECK(differing == 0);
  }
}

TEST_CASE("the malformed requests differ from one that is served", "[http][malformed]") {
  CHECK(parse(ace::test::wellformed_request()).outcome == Parse::Complete);
}

TEST_CASE("no request line ends the process, whatever protocol it is of", "[http][malformed]") {
  for (const auto& request : odd_request_lines()) {
    INFO(request);
    const auto whole = parse(request);
    CHECK(whole.outcome != Parse::NeedMore);
    if (whole.outcome == Parse::Refused) CHECK(whole.status >= 400);
    CHECK(is_same(parse_by_bytes(request), whole));
  }
}
