#include "workers/engines/redirect_trail.h"

#include <string>

#include <catch2/catch.hpp>

using ace::Errc;
using ace::engines::EngineAddress;
using ace::engines::RedirectTrail;

namespace {

EngineAddress engine(std::string host, std::uint16_t port) {
  EngineAddress made;
  made.host = std::move(host);
  made.port = port;
  return made;
}

}  // namespace

TEST_CASE("a redirect to the engine called is followed in any spelling", "[engines]") {
  RedirectTrail trail{engine("Engine", 6878)};
  const std::string here = "http://Engine:6878/ace/getstream?id=1";
  CHECK(trail.next(here, "http://ENGINE:6878/x?y#z").value() == "http://Engine:6878/x?y");
  CHECK(trail.next(here, "/x").value() == "http://Engine:6878/x");
  CHECK(trail.next(here, "r?k=v").value() == "http://Engine:6878/ace/r?k=v");
  RedirectTrail v6{engine("::1", 80)};
  CHECK(v6.next("http://[::1]:80/a", "http://[::1]/b").value() == "http://[::1]:80/b");
}

TEST_CASE("a redirect to anybody else is not", "[engines]") {
  RedirectTrail trail{engine("10.0.0.7", 6878)};
  const std::string location =
      GENERATE("http://10.0.0.8:6878/x", "http://10.0.0.7/x", "http://10.0.0.7:6879/x", "//evil/x",
               "https://10.0.0.7:6878/x", "file:///etc/passwd", "http://10.0.0.7:6878@evil/x", "",
               "gopher://10.0.0.7:6878/x", "http://10.0.0.7.evil:6878/");
  const auto next = trail.next("http://10.0.0.7:6878/a", location);
  REQUIRE_FALSE(next);
  CHECK(next.error().code == Errc::Protocol);
}

TEST_CASE("the fourth redirect is one too many", "[engines]") {
  RedirectTrail trail{engine("h", 1)};
  const std::string here = "http://h:1/a";
  CHECK(trail.next(here, "/b"));
  CHECK(trail.next(here, "/c"));
  CHECK(trail.next(here, "/d"));
  CHECK(trail.next(here, "/e").error().text == "too many redirects");
}
