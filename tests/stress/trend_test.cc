#include "tests/stress/trend.h"

#include <catch2/catch.hpp>

using ace::stress::Trend;

TEST_CASE("what settles and scatters does not count as growth", "[trend]") {
  Trend trend{"memory", 2};
  for (int i = 0; i < 100; ++i) trend.read(i < 20 ? i : 20 + i % 2);
  CHECK(trend.is_flat());
  CHECK(trend.growth() < 1);
}

TEST_CASE("a peak that is kept is no growth without end", "[trend]") {
  Trend trend{"memory", 2};
  for (int i = 0; i < 100; ++i) trend.read((i < 45 ? 33 : 41) + i % 2);
  CHECK(trend.is_flat());
}

TEST_CASE("what grows bit by bit is seen through its scatter", "[trend]") {
  Trend trend{"memory", 2};
  for (int i = 0; i < 100; ++i) trend.read(50 + 0.1 * i + i % 3);
  CHECK_FALSE(trend.is_flat());
  CHECK(trend.growth() == Approx(9).margin(1));
}

TEST_CASE("a run without readings has not grown", "[trend]") {
  const Trend trend{"memory", 2};
  CHECK(trend.is_flat());
  CHECK(trend.growth() == 0);
}
