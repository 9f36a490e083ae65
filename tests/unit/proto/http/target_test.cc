#include "proto/http/target.h"

#include <catch2/catch.hpp>

using ace::proto::http::percent_decode;
using ace::proto::http::Plus;
using ace::proto::http::Target;

TEST_CASE("a plus is a space in the query and itself in the path", "[target]") {
  const auto target = Target::parse("/a+b%20c?d+e=f+g%2B");
  REQUIRE(target.has_value());
  CHECK(target->path == "/a+b c");
  REQUIRE(target->params.size() == 1);
  CHECK(target->params[0].name == "d e");
  CHECK(target->params[0].value == "f g+");
}

TEST_CASE("repeated, empty and valueless parameters are kept apart", "[target]") {
  const auto target = Target::parse("/?id=1&&id=2&flag&=x&u=a=b?c");
  REQUIRE(target.has_value());
  REQUIRE(target->params.size() == 5);
  CHECK(target->query("id") == "1");
  CHECK(target->params[1].value == "2");
  CHECK(target->query("flag") == "");
  CHECK(target->query("") == "x");
  CHECK(target->query("u") == "a=b?c");
  CHECK_FALSE(target->query("nothing").has_value());
}

TEST_CASE("an absolute-form target yields its path, at least a slash", "[target]") {
  CHECK(Target::parse("http://h/x?y=z")->path == "/x");
  CHECK(Target::parse("HTTP://h:80?y=z")->path == "/");
  CHECK(Target::parse("HTTP://h:80?y=z")->query("y") == "z");
  CHECK(Target::parse("https://[::1]:80/")->authority == "[::1]:80");
}

TEST_CASE("a path that climbs is refused, dots alone are not", "[target]") {
  for (const auto* text :
       {"/..", "/../a", "/a/..", "/a/../b", "/%2e%2e/a", "/a%2f..", "http://h/.."}) {
    INFO(text);
    CHECK_FALSE(Target::parse(text).has_value());
  }
  for (const auto* text : {"/a..b", "/...", "/..a", "/a..", "/?a=/../b", "/./a"}) {
    INFO(text);
    CHECK(Target::parse(text).has_value());
  }
}

TEST_CASE("bad escapes are errors, never guesses", "[target]") {
  for (const auto* text : {"%", "%4", "%4g", "%g4", "a%", "%%41", "%u0041", "%00"}) {
    INFO(text);
    CHECK_FALSE(percent_decode(text, Plus::IsPlus).has_value());
  }
  CHECK(percent_decode("%41%c3%A9%25", Plus::IsPlus) == "A\xc3\xa9%");
}
