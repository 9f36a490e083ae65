#include <string>

#include <catch2/catch.hpp>

#include "tests/unit/proto/http/parsing.h"

using ace::proto::http::kMaxBodyBytes;
using ace::proto::http::kMaxHeaderBytes;
using ace::proto::http::kMaxHeaders;
using ace::proto::http::kMaxRequestLineBytes;
using ace::proto::http::Parse;
using ace::test::parse;
using ace::test::refusal_of;

namespace {

/// A request that is right but for the header lines given.
int refusal_with(const std::string& lines) {
  return refusal_of("GET / HTTP/1.1\r\nHost: h\r\n" + lines + "\r\n");
}

std::string request_line_of(std::size_t size) {
  const std::string around = "GET / HTTP/1.1";
  return "GET /" + std::string(size - around.size(), 'a') + " HTTP/1.1\r\n";
}

/// Headers that take exactly `size` bytes, the empty line included.
std::string headers_of(std::size_t size) {
  const std::string host = "Host: h\r\n";
  const std::string around = "A: \r\n\r\n";
  return host + "A: " + std::string(size - host.size() - around.size(), 'a') + "\r\n\r\n";
}

}  // namespace

TEST_CASE("a request without a proper Host is refused", "[http]") {
  CHECK(refusal_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\nHost:\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") == 400);
  for (const auto* junk : {"a b", "a/b", "user@h", "h:", "h:x", "h:70000", "[::1", "[]", "a,b\\",
                           "h:80:80", "<script>"}) {
    INFO(junk);
    CHECK(refusal_of(std::string{"GET / HTTP/1.1\r\nHost: "} + junk + "\r\n\r\n") == 400);
  }
  for (const auto* good : {"h", "h:80", "10.0.0.1:6878", "[::1]", "[fe80::1]:80", "my_tv.lan"}) {
    INFO(good);
    CHECK(refusal_of(std::string{"GET / HTTP/1.1\r\nHost: "} + good + "\r\n\r\n") == 0);
  }
  CHECK(refusal_of("GET / HTTP/1.0\r\n\r\n") == 0);
}

TEST_CASE("other versions are refused", "[http]") {
  for (const auto* version : {"HTTP/2.0", "HTTP/0.9", "HTTP/1.2", "HTTP/3.0"}) {
    INFO(version);
    CHECK(refusal_of(std::string{"GET / "} + version + "\r\nHost: h\r\n\r\n") == 505);
  }
  CHECK(refusal_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == 505);
  for (const auto* version : {"HTTP/1.10", "HTTP/1", "http/1.1", "RTSP/1.0", "HTTP/+1.1", "X"}) {
    INFO(version);
    CHECK(refusal_of(std::string{"GET / "} + version + "\r\nHost: h\r\n\r\n") == 400);
  }
}

TEST_CASE("methods that begin another protocol are refused", "[http]") {
  CHECK(refusal_of("PRI /x HTTP/1.1\r\n\r\n") == 501);
  CHECK(refusal_of("PRI /x HTTP/1.0\r\n\r\nSM\r\n\r\n") == 501);
  CHECK(refusal_of("CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n") == 501);
}

TEST_CASE("two ways to say where a request ends are refused", "[http]") {
  CHECK(refusal_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
  CHECK(refusal_with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n") == 400);
  CHECK(refusal_with("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(refusal_with("Transfer-Encoding:\r\nContent-Length: 0\r\n") == 400);
  CHECK(refusal_with("Transfer-Encoding:\r\n") == 400);
  CHECK(refusal_with("Transfer-Encoding: gzip\r\n") == 400);
  CHECK(refusal_with("Transfer-Encoding: chunked, gzip\r\n") == 400);
  CHECK(refusal_with("Transfer-Encoding: gzip, chunked\r\n") == 400);
  CHECK(refusal_with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n") == 400);
  CHECK(refusal_with("Transfer-Encoding: xchunked\r\n") == 400);
  CHECK(refusal_with("Content-Length: 1\r\nContent-Length: 2\r\n") == 400);
  for (const auto* length : {"", "-1", "+1", "1 2", "0x1", "1,1", "99999999999999999999999"}) {
    INFO(length);
    CHECK(refusal_with(std::string{"Content-Length: "} + length + "\r\n") == 400);
  }
}

TEST_CASE("header lines that two readers would read differently are refused", "[http]") {
  CHECK(refusal_of("GET / HTTP/1.1\r\n Host: h\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\n\tX: y\r\nHost: h\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\r\n \r\nHost: h\r\n\r\n") == 400);
  CHECK(refusal_with("A: b\r\n folded\r\n") == 400);
  CHECK(refusal_with("A : b\r\n") == 400);
  CHECK(refusal_with(": b\r\n") == 400);
  CHECK(refusal_with("no colon\r\n") == 400);
  CHECK(refusal_with("A\rB: c\r\n") == 400);
  CHECK(refusal_with("A: b\rC: d\r\n") == 400);
  CHECK(refusal_with("A: b\nC: d\r\n") == 400);
  CHECK(refusal_with(std::string{"A: b\0c\r\n", 8}) == 400);
  CHECK(refusal_with("A: b\x01\r\n") == 400);
  CHECK(refusal_with("A: b\x7f\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1\nHost: h\n\n") == 400);
  CHECK(refusal_with("A: tab\there, \xc3\xa9\r\n") == 0);
}

TEST_CASE("targets with spaces, controls or raw bytes are refused", "[http]") {
  for (const auto* target :
       {"/a b", "/a\tb", "/\xc3\xa9", "/a\x7f", "/a\rb", "", "a", "//[bad", "*", "/%zz", "/a?b=%4",
        "/%00", "/a#b", "ftp://h/", "http:///a", "http://u@h/", "http://h:x/"}) {
    INFO(target);
    const auto status = refusal_of(std::string{"GET "} + target + " HTTP/1.1\r\nHost: h\r\n\r\n");
    CHECK(status == (std::string_view{target} == "//[bad" ? 0 : 400));
  }
  CHECK(refusal_of(std::string{"GET /a\0b HTTP/1.1\r\nHost: h\r\n\r\n", 31}) == 400);
  CHECK(refusal_of("GET  / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(refusal_of("GET / HTTP/1.1 \r\nHost: h\r\n\r\n") == 400);
  CHECK(refusal_of("GET /\r\n") == 400);
}

TEST_CASE("what cannot be HTTP is refused at its first byte", "[http]") {
  CHECK(refusal_of("\x16\x03\x01") == 400);  // a TLS greeting
  CHECK(refusal_of(" GET") == 400);
  CHECK(refusal_of("\n") == 400);
}

TEST_CASE("a method nobody knows is not implemented", "[http]") {
  CHECK(refusal_of("FOO / HTTP/1.1\r\nHost: h\r\n\r\n") == 501);
  CHECK(refusal_of("G(T / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
}

TEST_CASE("a few empty lines before a request are read over, many are not", "[http]") {
  CHECK(refusal_of("\r\n\r\nGET / HTTP/1.0\r\n\r\n") == 0);
  CHECK(refusal_of("\r\n\r\n\r\n\r\n\r\n") == 400);
  ace::proto::http::RequestParser parser;
  CHECK(parser.feed(ace::as_bytes("\r\n")).outcome == Parse::NeedMore);
  CHECK(parser.is_idle());
  CHECK(parser.feed(ace::as_bytes("G")).outcome == Parse::NeedMore);
  CHECK_FALSE(parser.is_idle());
}

TEST_CASE("limits hold to the byte", "[http]") {
  const std::string rest = "Host: h\r\n\r\n";
  CHECK(parse(request_line_of(kMaxRequestLineBytes) + rest).outcome == Parse::Complete);
  CHECK(refusal_of(request_line_of(kMaxRequestLineBytes + 1) + rest) == 414);
  CHECK(refusal_of("GET /" + std::string(3 * kMaxRequestLineBytes, 'a')) == 414);

  const std::string line = "GET / HTTP/1.1\r\n";
  CHECK(parse(line + headers_of(kMaxHeaderBytes)).outcome == Parse::Complete);
  CHECK(refusal_of(line + headers_of(kMaxHeaderBytes + 1)) == 431);
  CHECK(refusal_of(line + "A:" + std::string(2 * kMaxHeaderBytes, ' ')) == 431);

  std::string many = "Host: h\r\n";
  for (std::size_t i = 1; i < kMaxHeaders; ++i) many += "A: b\r\n";
  CHECK(parse(line + many + "\r\n").outcome == Parse::Complete);
  CHECK(refusal_of(line + many + "A: b\r\n\r\n") == 431);
}

TEST_CASE("a body beyond the limit is refused, if possible before it comes", "[http]") {
  const std::string line = "POST / HTTP/1.1\r\nHost: h\r\n";
  const auto length = [&](std::size_t size) {
    return line + "Content-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  const auto whole = parse(length(kMaxBodyBytes) + std::string(kMaxBodyBytes, 'x'));
  CHECK(whole.outcome == Parse::Complete);
  CHECK(whole.request.body.size() == kMaxBodyBytes);
  CHECK(refusal_of(length(kMaxBodyBytes + 1)) == 413);

  const auto chunked = line + "Transfer-Encoding: chunked\r\n\r\n";
  CHECK(refusal_of(chunked + "10001\r\n") == 413);
  CHECK(refusal_of(chunked + "ffff\r\n" + std::string(0xffff, 'x') + "\r\n2\r\n") == 413);
  std::string crumbs = chunked;
  while (crumbs.size() < 3 * kMaxBodyBytes) crumbs += "1\r\nx\r\n";
  CHECK(refusal_of(crumbs) == 413);
  CHECK(refusal_of(chunked + "1;" + std::string(3 * kMaxBodyBytes, 'e')) == 413);
  CHECK(refusal_of(chunked + "zz\r\n") == 400);
}

TEST_CASE("a request that reads has no body", "[http]") {
  for (const std::string method : {"GET", "HEAD", "OPTIONS"}) {
    INFO(method);
    const auto line = method + " / HTTP/1.1\r\nHost: h\r\n";
    CHECK(refusal_of(line + "Content-Length: 1\r\n\r\nx") == 413);
    CHECK(refusal_of(line + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 413);
    CHECK(refusal_of(line + "Content-Length: 0\r\n\r\n") == 0);
  }
  CHECK(refusal_of("DELETE / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx") == 0);
}

TEST_CASE("after a refusal nothing more is taken", "[http]") {
  ace::proto::http::RequestParser parser;
  CHECK(parser.feed(ace::as_bytes("GET / HTTP/9.9\r\n")).outcome == Parse::Refused);
  const auto again = parser.feed(ace::as_bytes("GET / HTTP/1.0\r\n\r\n"));
  CHECK(again.outcome == Parse::Refused);
  CHECK(again.consumed == 0);
}
