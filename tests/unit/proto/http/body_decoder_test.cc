#include "proto/http/body_decoder.h"

#include <string>

#include <catch2/catch.hpp>

using ace::as_bytes;
using ace::as_text;
using ace::ByteSpan;
using ace::Errc;
using ace::proto::http::BodyDecoder;

namespace {

BodyDecoder chunked() { return *BodyDecoder::of("Chunked", ""); }

struct Decoded {
  std::string body;
  bool is_over{};
  std::string error;
};

/// Fed in pieces of `size`, each to a decoder that goes on where the last one stood.
Decoded decode(BodyDecoder decoder, std::string_view wire, std::size_t size) {
  Decoded out;
  for (std::size_t at = 0; at < wire.size(); at += size) {
    auto next = BodyDecoder::at(decoder.state());
    REQUIRE(next);
    const auto fed = next->feed(as_bytes(wire.substr(at, size)),
                                [&out](ByteSpan body) { out.body += as_text(body); });
    decoder = *next;
    if (!fed) {
      out.error = fed.error().text;
      CHECK(fed.error().code == Errc::Protocol);
      break;
    }
  }
  out.is_over = decoder.is_over();
  return out;
}

}  // namespace

TEST_CASE("a chunked body comes out whole, however its bytes are cut", "[http]") {
  constexpr std::string_view kWire =
      "5\r\nhello\r\n00000001 ;name=\"value\"\r\n \r\nB\r\nwide\r\nworld\r\n"
      "0\r\nTrailer: one\r\nAnother: two\r\n\r\nwhat follows";
  for (std::size_t size = 1; size <= kWire.size(); ++size) {
    const auto decoded = decode(chunked(), kWire, size);
    CHECK(decoded.body == "hello wide\r\nworld");
    CHECK(decoded.is_over);
    CHECK(decoded.error.empty());
  }
}

TEST_CASE("a body of known length ends there, one without a length never does", "[http]") {
  const auto known = decode(*BodyDecoder::of("", "7"), "seven b, and more", 3);
  CHECK(known.body == "seven b");
  CHECK(known.is_over);
  CHECK(BodyDecoder::of("", "0")->is_over());
  const auto endless = decode(*BodyDecoder::of("", ""), "0\r\n\r\n", 2);
  CHECK(endless.body == "0\r\n\r\n");
  CHECK_FALSE(endless.is_over);
}

TEST_CASE("a broken chunked body is told, with what stood before the break", "[http]") {
  struct Case {
    std::string wire;
    std::string body;
  };
  const std::string long_line(9'000, 'x');
  const Case cases[] = {
      {"\r\n", ""},
      {"5x\r\nhello", ""},
      {"-5\r\nhello", ""},
      {"5\nhello", ""},
      {"5\rhello", ""},
      {"5;x\nhello", ""},
      {"5\r\nhellox", "hello"},
      {"5\r\nhello\n", "hello"},
      {"5\r\nhello\rx", "hello"},
      {"1\r\na\r\nffffffffffffffffff\r\n", "a"},
      {"80000001\r\n", ""},
      {"1;" + long_line, ""},
      {"00" + std::string(9'000, '0'), ""},
      {"0\r\n" + long_line, ""},
      {"0\r\n\n", ""},
      {"0\r\nA: b\n", ""},
      {"0\r\n\rx", ""},
  };
  for (const auto& each : cases) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{4}, each.wire.size()}) {
      const auto decoded = decode(chunked(), each.wire, size);
      INFO(each.wire.substr(0, 40));
      CHECK_FALSE(decoded.error.empty());
      CHECK(decoded.body == each.body);
      CHECK_FALSE(decoded.is_over);
    }
  }
}

TEST_CASE("headers that nobody can follow are refused", "[http]") {
  CHECK_FALSE(BodyDecoder::of("gzip, chunked", ""));
  CHECK_FALSE(BodyDecoder::of("chunkedx", ""));
  CHECK_FALSE(BodyDecoder::of("", "-1"));
  CHECK_FALSE(BodyDecoder::of("", "12 monkeys"));
  CHECK_FALSE(BodyDecoder::of("", "99999999999999999999999"));
  CHECK(BodyDecoder::of("chunked", "12")->state().framing == BodyDecoder::Framing::Chunked);
}

TEST_CASE("nobody goes on at a place that does not exist", "[http]") {
  using Framing = BodyDecoder::Framing;
  using Place = BodyDecoder::Place;
  CHECK(BodyDecoder::at({}));
  CHECK(BodyDecoder::at({.framing = Framing::Length, .place = Place::Data, .left = 1}));
  CHECK_FALSE(BodyDecoder::at({.framing = Framing::UntilClose, .place = Place::Size}));
  CHECK_FALSE(BodyDecoder::at({.framing = Framing::Length, .place = Place::Data, .left = 0}));
  CHECK_FALSE(BodyDecoder::at({.framing = Framing::Length, .place = Place::Over, .left = 1}));
  CHECK_FALSE(BodyDecoder::at({.framing = Framing::Length, .place = Place::Size, .left = 1}));
  CHECK_FALSE(BodyDecoder::at({.framing = Framing::Chunked, .place = Place::Data, .left = 0}));
  CHECK_FALSE(BodyDecoder::at({.framing = Framing::Chunked, .place = static_cast<Place>(11)}));
  CHECK_FALSE(BodyDecoder::at({.framing = static_cast<Framing>(3)}));
}
