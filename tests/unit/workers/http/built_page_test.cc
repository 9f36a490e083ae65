#include "workers/http/built_page.h"

#include <catch2/catch.hpp>

#include "tests/support/clock/manual_clock.h"

using namespace std::chrono_literals;
using ace::http::BuiltPage;
using ace::test::ManualClock;

namespace {

/// A page of which each one built takes a time of its own.
struct Fixture {
  ManualClock clock;
  std::chrono::nanoseconds spent{};
  int built{};
  BuiltPage page{clock, [this] { return spent; }};

  std::string get(std::chrono::nanoseconds takes) {
    return page.get([&] {
      spent += takes;
      return std::to_string(++built);
    });
  }
};

}  // namespace

TEST_CASE("a page that many ask for is built a twentieth of the time", "[built_page]") {
  Fixture f;
  CHECK(f.get(2ms) == "1");
  f.clock.advance(39ms);
  CHECK(f.get(2ms) == "1");
  f.clock.advance(1ms);
  CHECK(f.get(2ms) == "2");
}

TEST_CASE("no page is older than a second", "[built_page]") {
  Fixture f;
  CHECK(f.get(300ms) == "1");
  f.clock.advance(999ms);
  CHECK(f.get(300ms) == "1");
  f.clock.advance(1ms);
  CHECK(f.get(300ms) == "2");
}

TEST_CASE("a page that costs nothing is always a new one", "[built_page]") {
  Fixture f;
  CHECK(f.get(0ms) == "1");
  CHECK(f.get(0ms) == "2");
}
