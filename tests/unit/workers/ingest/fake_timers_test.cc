#include "tests/support/clock/fake_timers.h"

#include <string>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using ace::test::FakeTimers;
using ace::test::ManualClock;

TEST_CASE("fake timers fire in the order of their times, at their times", "[fake]") {
  ManualClock clock;
  FakeTimers timers{clock};
  const auto start = clock.now();
  std::string order;
  auto late = timers.make();
  auto early = timers.make();
  auto twin = timers.make();
  late->once(30ms, [&] {
    order += 'c';
    CHECK(clock.now() - start == 30ms);
  });
  early->once(10ms, [&] {
    order += 'a';
    CHECK(clock.now() - start == 10ms);
    early->once(10ms, [&] { order += 'b'; });
  });
  twin->once(30ms, [&] { order += 'd'; });
  timers.advance(30ms);
  CHECK(order == "abcd");
  CHECK(timers.armed() == 0);
  CHECK(clock.now() - start == 30ms);
}

TEST_CASE("a repeated fake timer may be stopped or destroyed by its callback", "[fake]") {
  ManualClock clock;
  FakeTimers timers{clock};
  int fired = 0;
  auto timer = timers.make();
  timer->every(10ms, [&] {
    if (++fired == 3) timer.reset();
  });
  CHECK(timer->is_armed());
  timers.advance(1s);
  CHECK(fired == 3);
  CHECK(timers.armed() == 0);
}
