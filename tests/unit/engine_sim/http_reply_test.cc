#include "tests/support/process/http_reply.h"

#include <catch2/catch.hpp>

using ace::as_bytes;
using ace::as_text;
using ace::ByteSpan;
using ace::test::HttpReplyParser;

namespace {

using State = HttpReplyParser::State;

constexpr std::string_view kChunked =
    "HTTP/1.1 200 OK\r\nX-Ace-Worker: h:1\r\nTransfer-Encoding: chunked\r\n\r\n"
    "5;x=y\r\nhello\r\n1\r\n!\r\n0\r\n\r\n";

struct Outcome {
  HttpReplyParser parser;
  std::string body;
};

Outcome parse(std::string_view text, std::size_t cut, bool expects_body = true) {
  Outcome outcome{HttpReplyParser{expects_body}, {}};
  const auto sink = [&](ByteSpan bytes) { outcome.body.append(as_text(bytes)); };
  outcome.parser.feed(as_bytes(text.substr(0, cut)), sink);
  outcome.parser.feed(as_bytes(text.substr(cut)), sink);
  return outcome;
}

}  // namespace

TEST_CASE("a chunked reply is the same however it is cut", "[http_reply]") {
  for (std::size_t cut = 0; cut <= kChunked.size(); ++cut) {
    const auto [parser, body] = parse(kChunked, cut);
    INFO("cut at " << cut);
    REQUIRE(parser.state() == State::Done);
    REQUIRE(parser.status() == 200);
    REQUIRE(parser.headers().find("x-ace-worker") == "h:1");
    REQUIRE(body == "hello!");
  }
}

TEST_CASE("a chunked reply without its last chunk is broken off", "[http_reply]") {
  for (std::size_t size = 0; size < kChunked.size(); ++size) {
    auto [parser, body] = parse(kChunked.substr(0, size), size / 2);
    parser.end_of_input();
    INFO("ended after " << size);
    REQUIRE(parser.state() == State::Broken);
  }
}

TEST_CASE("a reply without length ends with its connection", "[http_reply]") {
  auto [parser, body] = parse("HTTP/1.0 200 OK\r\n\r\nabc", 5);
  CHECK(parser.state() == State::Body);
  parser.end_of_input();
  CHECK(parser.state() == State::Done);
  CHECK(body == "abc");
}

TEST_CASE("a reply with a length ends there", "[http_reply]") {
  HttpReplyParser parser;
  std::string body;
  const std::string_view text = "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nnoHTTP/1.1";
  const auto used = parser.feed(as_bytes(text), [&](ByteSpan b) { body.append(as_text(b)); });
  CHECK(parser.state() == State::Done);
  CHECK(body == "no");
  CHECK(text.substr(used) == "HTTP/1.1");
}

TEST_CASE("the reply to a HEAD has no body whatever its headers say", "[http_reply]") {
  const auto outcome = parse("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", 9, false);
  CHECK(outcome.parser.state() == State::Done);
}

TEST_CASE("what is not HTTP is refused", "[http_reply]") {
  const auto text =
      GENERATE(as<std::string>{}, "SSH-2.0\r\n\r\n", "HTTP/1.1 xx OK\r\n\r\n",
               "HTTP/1.1 200 OK\r\n: v\r\n\r\n",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n");
  CHECK(parse(text, 4).parser.state() == State::Broken);
}
