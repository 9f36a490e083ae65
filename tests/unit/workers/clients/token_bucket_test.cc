#include "workers/clients/token_bucket.h"

#include <catch2/catch.hpp>

#include "tests/support/clock/manual_clock.h"

using namespace std::chrono_literals;
using ace::clients::ClientRate;
using ace::clients::TokenBucket;

namespace {

struct Fixture {
  explicit Fixture(ClientRate rate) { bucket.set_rate(rate, clock.now()); }
  [[nodiscard]] bool may_take() const { return bucket.may_take(clock.now()); }
  void take(std::size_t bytes) { bucket.take(bytes, clock.now()); }

  ace::test::ManualClock clock;
  TokenBucket bucket;
};

}  // namespace

TEST_CASE("without a rate all passes", "[token_bucket]") {
  Fixture f{{}};
  CHECK_FALSE(f.bucket.is_limited());
  f.take(1'000'000'000);
  CHECK(f.may_take());
}

TEST_CASE("after the burst the rate counts", "[token_bucket]") {
  Fixture f{{.bytes_per_second = 1000, .burst = 5000}};
  f.take(4999);
  CHECK(f.may_take());
  f.take(1);
  CHECK_FALSE(f.may_take());
  f.clock.advance(1ms);
  CHECK(f.may_take());
  std::size_t taken = 0;
  for (int i = 0; i < 1000; ++i) {  // 10 s
    f.clock.advance(10ms);
    while (f.may_take()) {
      f.take(100);
      taken += 100;
    }
  }
  CHECK(taken >= 10'000);
  CHECK(taken <= 10'200);
}

TEST_CASE("what was taken beyond has to be earned first", "[token_bucket]") {
  Fixture f{{.bytes_per_second = 1000, .burst = 5000}};
  f.take(8000);
  f.clock.advance(3s);
  CHECK_FALSE(f.may_take());
  f.clock.advance(1ms);
  CHECK(f.may_take());
}

TEST_CASE("a rest earns no more than the burst", "[token_bucket]") {
  Fixture f{{.bytes_per_second = 1000, .burst = 5000}};
  f.take(5000);
  f.clock.advance(1h);
  f.take(5000);
  CHECK_FALSE(f.may_take());
}

TEST_CASE("another rate keeps what was earned or owed", "[token_bucket]") {
  Fixture f{{.bytes_per_second = 1000, .burst = 5000}};
  f.take(6000);
  f.bucket.set_rate({.bytes_per_second = 500, .burst = 9000}, f.clock.now());
  f.clock.advance(2s);
  CHECK_FALSE(f.may_take());
  f.clock.advance(2ms);
  CHECK(f.may_take());
}
