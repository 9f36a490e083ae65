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

TEST_CASE("who asks now and then sees each change", "[built_page]") {
  Fixture f;
  for (int i = 1; i <= 10; ++i) {
    CHECK(f.get(5ms) == std::to_string(i));
    CHECK(f.get(5ms) == std::to_string(++i));
    f.clock.advance(200ms);
  }
}

TEST_CASE("a page that many ask for is built a twentieth of the time", "[built_page]") {
  Fixture f;
  const auto asks_for = [&f](std::chrono::milliseconds time) {
    for (auto left = time; left > 0ms; left -= 1ms) {
      static_cast<void>(f.get(2ms));
      f.clock.advance(1ms);
    }
  };
  asks_for(1s);  // the burst is used up
  const auto before = f.spent;
  asks_for(2s);
  CHECK(f.spent - before <= 102ms);
  CHECK(f.spent - before >= 98ms);
}

TEST_CASE("no page is older than a second", "[built_page]") {
  Fixture f;
  for (int i = 0; i < 3; ++i) static_cast<void>(f.get(300ms));
  CHECK(f.built == 1);
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
