#include "proto/http/request_parser.h"

#include <string>

#include <catch2/catch.hpp>

#include "tests/unit/proto/http/parsing.h"

using ace::as_bytes;
using ace::proto::http::Method;
using ace::proto::http::Parse;
using ace::proto::http::RequestParser;
using ace::proto::http::Version;
using ace::test::parse;

TEST_CASE("a player's request is taken apart", "[http]") {
  const std::string text =
      "GET /ace/getstream?id=94c2fd8f&pid=a%20b+c HTTP/1.1\r\n"
      "Host: 192.168.1.5:8080\r\n"
      "User-Agent: VLC/3.0.24 LibVLC/3.0.24\r\n"
      "RANGE:   bytes=0-  \r\n"
      "\r\n";
  const auto parsed = parse(text);
  REQUIRE(parsed.outcome == Parse::Complete);
  const auto& request = parsed.request;
  CHECK(request.method == Method::Get);
  CHECK(request.method_name == "GET");
  CHECK(request.target.text == "/ace/getstream?id=94c2fd8f&pid=a%20b+c");
  CHECK(request.path() == "/ace/getstream");
  CHECK(request.query("id") == "94c2fd8f");
  CHECK(request.query("pid") == "a b c");
  CHECK_FALSE(request.query("infohash").has_value());
  CHECK(request.version == Version::Http11);
  CHECK(request.header("range") == "bytes=0-");
  CHECK(request.header("user-agent") == "VLC/3.0.24 LibVLC/3.0.24");
  CHECK(request.host() == "192.168.1.5:8080");
  CHECK(request.keep_alive);
  CHECK(request.raw_size == text.size());
}

TEST_CASE("a pipelined request stays with the caller, to the byte", "[http]") {
  const std::string first = "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n";
  const std::string second = "GET /b HTTP/1.0\r\n\r\n";
  const auto both = first + second;
  RequestParser parser;
  const auto one = parser.feed(as_bytes(both));
  REQUIRE(one.outcome == Parse::Complete);
  CHECK(one.consumed == first.size());
  CHECK(parser.raw() == first);
  CHECK(parser.feed(as_bytes(second)).consumed == 0);  // nothing before next()
  parser.next();
  CHECK(parser.is_idle());
  const auto two = parser.feed(as_bytes(std::string_view{both}.substr(one.consumed)));
  REQUIRE(two.outcome == Parse::Complete);
  CHECK(two.consumed == second.size());
  CHECK(parser.request().path() == "/b");
  CHECK_FALSE(parser.request().header("host").has_value());
}

TEST_CASE("the bytes of an unfinished request can be handed on", "[http]") {
  const std::string text = "\r\nPOST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd";
  RequestParser here;
  const auto cut = text.size() - 2;
  CHECK(here.feed(as_bytes(text.substr(0, cut))).outcome == Parse::NeedMore);
  CHECK(here.raw() == text.substr(0, cut));
  RequestParser there;
  CHECK(there.feed(as_bytes(here.raw())).outcome == Parse::NeedMore);
  CHECK(there.feed(as_bytes(text.substr(cut))).outcome == Parse::Complete);
  CHECK(there.request().body == "abcd");
}

TEST_CASE("a parser that was moved goes on parsing", "[http]") {
  RequestParser first;
  CHECK(first.feed(as_bytes("GET / HTTP/1.1\r\nHo")).outcome == Parse::NeedMore);
  RequestParser second{std::move(first)};
  CHECK(second.feed(as_bytes("st: h\r\n\r\n")).outcome == Parse::Complete);
  CHECK(second.request().host() == "h");
}

TEST_CASE("whether the connection stays is what the client asked for", "[http]") {
  CHECK(parse("GET / HTTP/1.1\r\nHost: h\r\n\r\n").request.keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").request.keep_alive);
  CHECK_FALSE(parse("GET / HTTP/1.0\r\n\r\n").request.keep_alive);
  CHECK(parse("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").request.keep_alive);
}

TEST_CASE("an upgrade that is not spoken here is an ordinary request", "[http]") {
  const std::string text =
      "GET / HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n";
  const auto parsed = parse(text + "GET");
  CHECK(parsed.outcome == Parse::Complete);
  CHECK(parsed.consumed == text.size());
}

TEST_CASE("a body is kept, of a given length or chunked", "[http]") {
  const auto plain = parse("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabcGET");
  REQUIRE(plain.outcome == Parse::Complete);
  CHECK(plain.request.body == "abc");
  CHECK(plain.consumed == plain.request.raw_size);

  const std::string text =
      "PUT / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n"
      "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: t\r\n\r\n";
  const auto chunked = parse(text + "GET");
  REQUIRE(chunked.outcome == Parse::Complete);
  CHECK(chunked.request.body == "abcde");
  CHECK(chunked.consumed == text.size());
  CHECK_FALSE(chunked.request.header("trailer").has_value());
}

TEST_CASE("a client that waits for 100 Continue is recognised before its body", "[http]") {
  RequestParser parser;
  const std::string head =
      "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n";
  CHECK(parser.feed(as_bytes(head)).outcome == Parse::NeedMore);
  CHECK(parser.awaits_body());
  CHECK(parser.request().expects_continue);
  CHECK(parser.feed(as_bytes("ok")).outcome == Parse::Complete);
  CHECK_FALSE(parser.awaits_body());
}

TEST_CASE("the host is the target's before the header's", "[http]") {
  const auto parsed = parse("GET http://tv.lan:81/a?b=c HTTP/1.1\r\nHost: other\r\n\r\n");
  REQUIRE(parsed.outcome == Parse::Complete);
  CHECK(parsed.request.path() == "/a");
  CHECK(parsed.request.query("b") == "c");
  CHECK(parsed.request.host() == "tv.lan:81");
}

TEST_CASE("methods the router may refuse are parsed", "[http]") {
  CHECK(parse("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").request.method == Method::Options);
  CHECK(parse("DELETE /x HTTP/1.1\r\nHost: h\r\n\r\n").request.method == Method::Delete);
  const auto trace = parse("TRACE /x HTTP/1.1\r\nHost: h\r\n\r\n");
  CHECK(trace.request.method == Method::Other);
  CHECK(trace.request.method_name == "TRACE");
}

TEST_CASE("a large request leaves no memory behind", "[http]") {
  RequestParser parser;
  const std::string head = "POST /engines HTTP/1.1\r\nHost: a\r\nX: " + std::string(8'000, 'x') +
                           "\r\nContent-Length: 40000\r\n\r\n";
  REQUIRE(parser.feed(ace::as_bytes(head + std::string(40'000, 'b'))).outcome == Parse::Complete);
  CHECK(parser.held_bytes() > 40'000);
  SECTION("taken") { static_cast<void>(parser.take_request()); }
  SECTION("passed over") {}
  parser.next();
  CHECK(parser.held_bytes() <= 2'048);
}
