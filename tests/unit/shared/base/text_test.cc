#include "shared/base/text.h"

#include <catch2/catch.hpp>

#include "shared/base/secret.h"

using namespace ace;

TEST_CASE("what is no UTF-8 is replaced, and only that", "[text]") {
  CHECK(valid_utf8("Zürich 東京 \xf0\x9f\x93\xba") == "Zürich 東京 \xf0\x9f\x93\xba");
  CHECK(valid_utf8("a\xff") == "a\xef\xbf\xbd");
  CHECK(valid_utf8("\xc3") == "\xef\xbf\xbd");                  // cut inside a character
  CHECK(valid_utf8("\xc0\x80") == "\xef\xbf\xbd\xef\xbf\xbd");  // overlong
  CHECK(valid_utf8("\xed\xa0\x80x") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdx");  // a surrogate
  CHECK(is_utf8(""));
  CHECK(is_utf8(std::string_view{"a\0b", 3}));
  CHECK_FALSE(is_utf8("\xf5\x80\x80\x80"));
}

TEST_CASE("a text is cut between two characters", "[text]") {
  CHECK(cut_text("abc", 3) == "abc");
  CHECK(cut_text("abc", 2) == "ab");
  CHECK(cut_text("aüb", 2) == "a");
  CHECK(cut_text("aüb", 3) == "aü");
  CHECK(cut_text("東", 2).empty());
  CHECK(cut_text("\x80\x80\x80", 1).empty());
}

TEST_CASE("a text from outside is valid, bounded and without secrets", "[text]") {
  hide_secrets({"open-sesame"});
  CHECK(outside_text("\xff open-sesame", 64) == "\xef\xbf\xbd ***");
  CHECK(outside_text("x open-sesame", 4) == "x **");  // it is hidden before it is cut
  CHECK(outside_text("\xff\xff", 5) == "\xef\xbf\xbd");
  hide_secrets({});
}
