#include "shared/log/line_rate.h"

#include <catch2/catch.hpp>

using ace::SteadyTime;
using ace::log::LineRate;
using namespace std::chrono_literals;

namespace {

/// How many of so many lines are admitted.
int admitted(LineRate& rate, std::string_view event, int lines, SteadyTime now) {
  int count = 0;
  for (int i = 0; i < lines; ++i) count += rate.admits(event, now) ? 1 : 0;
  return count;
}

const SteadyTime kBegin{std::chrono::hours{1}};

}  // namespace

TEST_CASE("of one kind of event the first lines of a window are written", "[line_rate]") {
  LineRate rate{3};
  CHECK(admitted(rate, "redis_down", 5, kBegin) == 3);
  CHECK(admitted(rate, "redis_down", 5, kBegin + 9s) == 0);
  CHECK(admitted(rate, "worker_died", 2, kBegin + 9s) == 2);  // others are not concerned
}

TEST_CASE("what was left out is told once, when its window has ended", "[line_rate]") {
  LineRate rate{3};
  static_cast<void>(admitted(rate, "redis_down", 10, kBegin));
  CHECK(rate.take_suppressed(kBegin + 9s).empty());
  const auto told = rate.take_suppressed(kBegin + 10s);
  REQUIRE(told.size() == 1);
  CHECK(told[0].event == "redis_down");
  CHECK(told[0].count == 7);
  CHECK(rate.take_suppressed(kBegin + 30s).empty());
  CHECK(admitted(rate, "redis_down", 5, kBegin + 11s) == 3);
}

TEST_CASE("a kind of event that stays below its limit is never left out", "[line_rate]") {
  LineRate rate{3};
  for (int window = 0; window < 5; ++window) {
    CHECK(admitted(rate, "joined", 3, kBegin + window * LineRate::kWindow) == 3);
  }
  CHECK(rate.take_suppressed(kBegin + 1h).empty());
}

TEST_CASE("a limit of nothing is none", "[line_rate]") {
  LineRate rate{0};
  CHECK(admitted(rate, "joined", 1000, kBegin) == 1000);
}
