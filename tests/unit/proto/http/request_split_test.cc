#include <array>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>

#include "tests/unit/proto/http/parsing.h"

using ace::as_bytes;
using ace::proto::http::Parse;
using ace::proto::http::RequestParser;
using ace::test::conclude;
using ace::test::parse;
using ace::test::Parsed;

namespace {

constexpr std::array<std::string_view, 24> kMessages{
    "GET /ace/getstream?id=94c2&x=%41+b HTTP/1.1\r\nHost: h\r\nRange: bytes=0-\r\n\r\n",
    "\r\nHEAD / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nGET /next HTTP/1.0\r\n\r\n",
    "POST /p HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhelloGET",
    "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    "3;a=\"b\"\r\nabc\r\n0\r\nT: u\r\n\r\nGET",
    "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n10001\r\nabc",
    "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n",
    "POST /p HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\nabcd\r\n",
    "POST /p HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 70000\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: h\r\nOrigin: http://o\r\n\r\n",
    "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\nopaque",
    "GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nGET",
    "GET http://a.b/c HTTP/1.1\r\nHost: d\r\n\r\n",
    "GET / HTTP/1.1\r\nHost : h\r\n\r\n",
    "GET / HTTP/1.1\r\nA: b\r\n c\r\nHost: h\r\n\r\n",
    "GET / HTTP/1.1\rHost: h\r\n\r\n",
    "GET / HTTP/1.1\nHost: h\n\n",
    "GET /a b HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET / HTTP/2.0\r\nHost: h\r\n\r\n",
    "BREW /pot HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx",
    "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\nx",
    "GET / HTTP/1.1\r\n\r\n",
    "\x16\x03\x01\x02",
    "GET / HTTP/1.1\r\nHost: h\r\nUnfinished",
};

/// The message fed in three pieces, either of which may be empty.
Parsed parse_cut(std::string_view text, std::size_t first, std::size_t second) {
  RequestParser parser;
  std::size_t consumed = 0;
  for (const auto& [from, to] : {std::pair{std::size_t{0}, first}, std::pair{first, second},
                                 std::pair{second, text.size()}}) {
    const auto result = parser.feed(as_bytes(text.substr(from, to - from)));
    consumed += result.consumed;
    if (result.outcome != Parse::NeedMore) return conclude(parser, result.outcome, consumed);
    REQUIRE(result.consumed == to - from);
    REQUIRE(parser.raw() == text.substr(0, to));
  }
  return conclude(parser, Parse::NeedMore, consumed);
}

void check_same(const Parsed& cut, const Parsed& whole) {
  REQUIRE(cut.outcome == whole.outcome);
  REQUIRE(cut.consumed == whole.consumed);
  REQUIRE(cut.status == whole.status);
  REQUIRE(cut.text == whole.text);
  REQUIRE(cut.request.method_name == whole.request.method_name);
  REQUIRE(cut.request.target.text == whole.request.target.text);
  REQUIRE(cut.request.body == whole.request.body);
  REQUIRE(cut.request.keep_alive == whole.request.keep_alive);
  REQUIRE(cut.request.raw_size == whole.request.raw_size);
  REQUIRE(cut.request.headers.size() == whole.request.headers.size());
  for (std::size_t i = 0; i < cut.request.headers.size(); ++i) {
    REQUIRE(cut.request.headers[i].name == whole.request.headers[i].name);
    REQUIRE(cut.request.headers[i].value == whole.request.headers[i].value);
  }
}

}  // namespace

TEST_CASE("the outcome does not depend on how the bytes are cut", "[http]") {
  for (const auto text : kMessages) {
    INFO(text);
    const auto whole = parse(text);
    for (std::size_t first = 0; first <= text.size(); ++first) {
      for (std::size_t second = first; second <= text.size(); second += 3) {
        check_same(parse_cut(text, first, second), whole);
      }
    }
  }
}

TEST_CASE("bytes that come one by one make the same request", "[http]") {
  for (const auto text : kMessages) {
    INFO(text);
    RequestParser parser;
    Parse outcome = Parse::NeedMore;
    std::size_t consumed = 0;
    for (std::size_t i = 0; i < text.size() && outcome == Parse::NeedMore; ++i) {
      const auto result = parser.feed(as_bytes(text.substr(i, 1)));
      outcome = result.outcome;
      consumed += result.consumed;
    }
    check_same(conclude(parser, outcome, consumed), parse(text));
  }
}
