// Streams that could not be started, in the host's table.

#include <chrono>

#include <catch2/catch.hpp>

#include "tests/unit/coordinator/host/host_world.h"

using namespace ace::host;
using namespace std::chrono_literals;
using ace::test::Host;
using ace::test::stream;

TEST_CASE("a failed start is known to all workers for its time, and is no stream",
          "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto now = ace::SystemClock{}.now();
  REQUIRE(host.table().acquire(host.board(), stream(1), a));
  host.table().remember_failure(host.board(), stream(1), now + 1h, "why");
  host.table().release(host.board(), stream(1), a);
  CHECK(host.table().failure_of(stream(1), now) == "why");
  CHECK_FALSE(host.table().failure_of(stream(1), now + 2h).has_value());
  CHECK_FALSE(host.table().failure_of(stream(2), now).has_value());
  CHECK(host.table().list(host.board()).empty());
  const auto failed = host.table().failed(host.board());
  REQUIRE(failed.size() == 1);
  CHECK(failed[0].phase == ace::host::StreamPhase::Failed);
  CHECK(failed[0].failure == "why");
  CHECK(failed[0].failed_at_ms > 1'700'000'000'000);
}

TEST_CASE("a stream that failed is shown for its time, and while there is room",
          "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  const auto now = ace::SystemClock{}.now();
  const auto fail = [&](int number, ace::SteadyTime until) {
    REQUIRE(host.table().acquire(host.board(), stream(number), a));
    host.table().remember_failure(host.board(), stream(number), until, "why");
  };
  fail(1, now - OwnershipTable::kShowFailed);
  fail(2, now - 1s);
  CHECK(host.table().failed(host.board()).empty());  // they have an owner still
  for (const int number : {1, 2}) host.table().release(host.board(), stream(number), a);
  fail(3, now + 1h);
  host.table().release(host.board(), stream(3), a);
  CHECK(host.table().failed(host.board()).size() == 1);
}

TEST_CASE("a stream that failed begins anew when it is asked for again", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  REQUIRE(host.table().acquire(host.board(), stream(1), a));
  host.table().advance(stream(1), a, {5}, {9});
  host.table().remember_failure(host.board(), stream(1), ace::SystemClock{}.now() + 20ms, "why");
  host.table().release(host.board(), stream(1), a);
  REQUIRE(host.table().failed(host.board()).size() == 1);
  while (host.table().failure_of(stream(1), ace::SystemClock{}.now())) {
  }
  CHECK(host.table().acquire(host.board(), stream(1), a)->epoch.value == 0);
  CHECK(host.table().failed(host.board()).empty());
}

TEST_CASE("failed streams are in nobody's way", "[ownership_table]") {
  Host host;
  const auto a = host.start(0);
  // Players ask again at once; but to know of a failure is worth less than a place.
  const auto past = ace::SystemClock{}.now() + GENERATE(-1s, 1h);
  for (int i = 0; i < 2 * static_cast<int>(OwnershipTable::kMaxStreams); ++i) {
    REQUIRE(host.table().acquire(host.board(), stream(i), a));
    host.table().remember_failure(host.board(), stream(i), past, "why");
    host.table().release(host.board(), stream(i), a);
  }
}
