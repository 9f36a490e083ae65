#include "shared/log/log_text.h"

#include <rapidjson/document.h>

#include <random>

#include <catch2/catch.hpp>

using namespace ace::log;

namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json(out, text);
  return out;
}

std::string escaped(std::string_view text) {
  std::string out;
  append_escaped(out, text);
  return out;
}

}  // namespace

TEST_CASE("times are told in utc", "[log_text]") {
  const ace::WallTime time{std::chrono::milliseconds{1'767'873'600'123}};
  CHECK(iso_timestamp(time) == "2026-01-08T12:00:00.123Z");
  CHECK(clf_timestamp(time) == "[08/Jan/2026:12:00:00 +0000]");
}

TEST_CASE("no value makes a second line or moves a cursor", "[log_text]") {
  CHECK(one_line("a b") == "a b");
  CHECK(one_line("a\nb\r\tc") == "a\\x0ab\\x0d\\x09c");
  CHECK(one_line("\x1b[2J\x7f") == "\\x1b[2J\\x7f");
  CHECK(one_line("Zürich 東京") == "Zürich 東京");
  CHECK(one_line("\xc2\x9b") == "\\xc2\\x9b");  // CSI as one character
  CHECK(one_line("\xff\xc3(\xed\xa0\x80") == "\\xff\\xc3(\\xed\\xa0\\x80");
  CHECK(one_line(std::string_view{"a\0b", 3}) == "a\\x00b");
}

TEST_CASE("a field of an access log holds neither quotes nor bytes beyond ascii", "[log_text]") {
  CHECK(escaped("VLC/3.0 (x)") == "VLC/3.0 (x)");
  CHECK(escaped("a\"b\\c\n") == "a\\x22b\\x5cc\\x0a");
  CHECK(escaped("ü\x7f") == "\\xc3\\xbc\\x7f");
}

TEST_CASE("whatever comes from outside, a json line is json and utf-8", "[log_text]") {
  CHECK(json("a\"b\\c\nd") == "a\\\"b\\\\c\\u000ad");
  CHECK(json("Zürich") == "Zürich");
  CHECK(json("\xff(") == "\xef\xbf\xbd(");
  std::mt19937 random{20261122};
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    for (auto left = random() % 12; left > 0; --left) text += static_cast<char>(random());
    const auto line = "\"" + json(text) + "\"";
    rapidjson::Document document;
    document.Parse<rapidjson::kParseValidateEncodingFlag>(line.data(), line.size());
    INFO(one_line(text));
    REQUIRE_FALSE(document.HasParseError());
  }
}
