#include "shared/curl/url.h"

#include <string>
#include <string_view>

#include <catch2/catch.hpp>

using ace::curl::Url;

TEST_CASE("a url is taken apart", "[url]") {
  const auto url = Url::parse("http://Host.Example:81/a/b?x=1&y=%41+b&empty&z=").value();
  CHECK(url.host() == "host.example");
  CHECK(url.port() == 81);
  CHECK(url.path() == "/a/b");
  CHECK(url.query() == "x=1&y=%41+b&empty&z=");
  CHECK(url.query_parameter("y") == "A b");
  CHECK(url.query_parameter("empty") == "");
  CHECK(url.query_parameter("z") == "");
  CHECK_FALSE(url.query_parameter("w"));
  CHECK(Url::parse("http://h")->port() == 80);
  CHECK(Url::parse("http://[::1]:7/x")->host() == "::1");
}

TEST_CASE("what is no http url is refused", "[url]") {
  using namespace std::string_view_literals;
  for (const auto text :
       {""sv, "h"sv, "/x"sv, "ftp://h/"sv, "https://h/"sv, "http://"sv, "http://h:99999/"sv,
        "http://h h/"sv, "http://h/\0x"sv, "http://h/\r\n"sv}) {
    CAPTURE(text);
    CHECK_FALSE(Url::parse(text));
  }
}

TEST_CASE("a parameter is appended encoded, after what is there", "[url]") {
  auto url = Url::parse("http://h:1/a").value();
  url.append_query("method", "stop");
  url.append_query("k&", "a=b&c d\xc3\xa9/");
  CHECK(url.text() == "http://h:1/a?method=stop&k%26=a%3db%26c%20d%c3%a9%2f");
  CHECK(url.query_parameter("k&") == "a=b&c d\xc3\xa9/");
}

TEST_CASE("host and port are replaced together, copies apart", "[url]") {
  auto url = Url::parse("http://127.0.0.1:6878/a?b=c").value();
  const auto before = url;
  REQUIRE(url.set_address("fd00::7", 99));
  CHECK(url.text() == "http://[fd00::7]:99/a?b=c");
  CHECK_FALSE(url.set_address("no host", 99));
  CHECK_FALSE(url.set_address("", 99));
  CHECK_FALSE(url.set_address("h", 0));
  CHECK(url.text() == "http://[fd00::7]:99/a?b=c");
  CHECK(before.text() == "http://127.0.0.1:6878/a?b=c");
}

TEST_CASE("a reference is resolved where it was found", "[url]") {
  const auto url = Url::parse("http://h:1/a/b?c").value();
  CHECK(url.resolve("/x")->text() == "http://h:1/x");
  CHECK(url.resolve("x?y=1")->text() == "http://h:1/a/x?y=1");
  CHECK(url.resolve("http://o/x")->host() == "o");
  CHECK_FALSE(url.resolve(""));
  CHECK_FALSE(url.resolve("https://h:1/"));
}
