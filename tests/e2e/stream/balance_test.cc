#include <algorithm>
#include <numeric>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kViewers = 400;
constexpr std::size_t kMostPerWorker = kViewers / 4 * 5 / 4;

ServiceOptions low_bitrate() { return {.bitrate = 64'000}; }

/// A worker that had no turn for a third of a second was given nothing meanwhile, as it should be.
bool was_slow(Service& service) {
  return count_events(service.proxy().log(), "handover_unanswered") > 0;
}

void check_balance(const Service& service, const Viewers& viewers) {
  CHECK(viewers.count_with_bytes(1) == kViewers);
  CHECK(viewers.count(ViewerState::Streaming) == kViewers);
  CHECK(viewers.faults().empty());
  std::size_t placed = 0;
  for (const auto& [worker, count] : viewers.workers()) {
    CHECK(count <= kMostPerWorker);
    placed += count;
  }
  CHECK(placed == kViewers);
  // What the workers say of themselves is what placement reckons with.
  for (const auto& worker : service.workers()) {
    CHECK(worker.clients == viewers.workers().at(worker.id));
  }
}

}  // namespace

TEST_CASE("400 viewers that arrive at once are spread over the workers", "[balance]") {
  constexpr int kTries = 5;
  for (int i = 0; i < kTries; ++i) {
    Service service{low_bitrate()};
    Viewers viewers{service.port()};
    viewers.open(kViewers, stream_target(stream_id(1)));
    REQUIRE(all_served(viewers, 60s));
    if (!was_slow(service)) return check_balance(service, viewers);
  }
  WARN("SKIPPED: of 4 workers one is always too slow here");
}

TEST_CASE("400 viewers that arrive one by one are spread over the workers", "[balance]") {
  const Service service{low_bitrate()};
  Viewers viewers{service.port()};
  for (std::size_t i = 0; i < kViewers; ++i) {
    viewers.open(1, stream_target(stream_id(1)));
    REQUIRE(all_served(viewers, 30s));
  }
  check_balance(service, viewers);
}
