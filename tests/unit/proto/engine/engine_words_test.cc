#include "proto/engine/engine_words.h"

#include <string>

#include <catch2/catch.hpp>

using ace::proto::engine::is_text;
using ace::proto::engine::kMostWords;
using ace::proto::engine::words_of;
using namespace std::string_literals;

TEST_CASE("what an engine answers in place of media is said in words", "[engine_words]") {
  CHECK(words_of("").empty());
  CHECK(words_of(R"({"response":null,"error":"got newer download"})") == "got newer download");
  CHECK(words_of("#EXTM3U\n#EXT-X-VERSION:3\n") == "a playlist: #EXTM3U #EXT-X-VERSION:3");
  CHECK(words_of("<html><h1>404\tNot Found</h1>\n<p>nginx</html>") == "HTML: 404 Not Found nginx");
  CHECK(words_of(R"([{"a":1}])") == "JSON: [{'a':1}]");
  CHECK(words_of("\r\nno such \"session\"") == "the text: no such 'session'");
  CHECK(words_of("\0\0\0\x18"
                 "ftypmp42"s) == "bytes that begin with 00 00 00 18 66 74 79 70");
}

TEST_CASE("an engine's words are one bounded line of printable characters", "[engine_words]") {
  std::string noise;
  for (int i = 0; i < 5000; ++i) noise += static_cast<char>(i * 7);
  const std::string bodies[] = {noise,
                                std::string(100'000, 'x'),
                                "<" + std::string(100'000, 'y'),
                                "{" + noise,
                                "caf\xC3\xA9 \xF0\x9F\x98\x80 closed",
                                R"({"error":")" + std::string(900, 'e') + R"("})"};
  for (const auto& body : bodies) {
    const auto words = words_of(body);
    CHECK_FALSE(words.empty());
    CHECK(words.size() <= 250);
    for (const char c : words) CHECK((c >= ' ' && c < '\x7F'));
  }
}

TEST_CASE("an MPEG-TS packet is no text", "[engine_words]") {
  CHECK(is_text("#EXTM3U"));
  CHECK_FALSE(is_text(""));
  CHECK_FALSE(is_text("\x47\x40\x00\x10"s));
  CHECK_FALSE(is_text(std::string(188, '\xFF')));
  CHECK(is_text(std::string(2 * kMostWords, 'a')));
}
