#include "shared/redis/backoff.h"

#include <cstdint>
#include <limits>

#include <catch2/catch.hpp>

using ace::redis::Backoff;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kHighest = std::numeric_limits<std::uint64_t>::max();

}  // namespace

TEST_CASE("delays grow from 100 ms to 2 s and stay between", "[redis]") {
  Backoff backoff;
  CHECK(backoff.next(0) == 100ms);
  CHECK(backoff.next(0) == 100ms);
  CHECK(backoff.next(0) == 200ms);
  CHECK(backoff.next(0) == 400ms);
  CHECK(backoff.next(0) == 800ms);
  CHECK(backoff.next(0) == 1000ms);
  CHECK(backoff.next(0) == 1000ms);
  for (std::uint64_t random = 0; random < 100; ++random) {
    const auto delay = backoff.next(kHighest - random * 7919);
    CHECK(delay >= 1000ms);
    CHECK(delay <= 2000ms);
  }
}

TEST_CASE("two that failed together do not come back together", "[redis]") {
  Backoff one;
  Backoff other;
  CHECK(one.next(1) == other.next(2));  // the first delay is as short as it may be
  CHECK(one.next(1) != other.next(2));
}

TEST_CASE("after a good connection the next delay is short again", "[redis]") {
  Backoff backoff;
  for (int i = 0; i < 10; ++i) static_cast<void>(backoff.next(0));
  backoff.reset();
  CHECK(backoff.next(kHighest) == 100ms);
}
