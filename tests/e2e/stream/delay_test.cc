#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// As many as an owner of 4 workers takes before clients are spread.
constexpr std::size_t kOwnersShare = 8;
/// Two seconds of two viewers.
constexpr std::size_t kPackets = std::size_t{2} * 2 * 2'000'000 / 8 / kTsPacketSize;

}  // namespace

TEST_CASE("a client with a delay stays that far behind, at an owner and at a new follower",
          "[delay]") {
  const bool is_follower = GENERATE(false, true);
  // 5 s in memory, a burst of 1 s: what is 12 s old comes out of Redis.
  const Service service{{.bitrate = 2'000'000, .environment = {{"PROXY_JOIN_BURST", "1s"}}}};
  const auto target = stream_target(stream_id(1));
  Viewers others{service.port()};
  others.open(is_follower ? kOwnersShare : 1, target);
  REQUIRE(all_served(others, 30s));
  others.run_for(14s);

  Viewers delayed{service.port()};
  delayed.open(2, target + "&delay=12");
  REQUIRE(all_served(delayed, 30s));
  REQUIRE((delayed.at(0).worker() != service.owner().id) == is_follower);
  delayed.run_for(2s);
  delayed.restart_ages();
  CHECK(delayed.run_until([&] { return delayed.ages().count() > kPackets; }, 30s));  // never stops
  // 12 s less the burst; a random access point comes once a second.
  CHECK(delayed.ages().percentile(0.01) > 9s);
  CHECK(delayed.ages().percentile(0.5) < 13s);
  CHECK(delayed.faults().empty());
  for (const auto i : {0U, 1U}) {
    CHECK(delayed.at(i).checker().counts().missing == 0);
    CHECK(delayed.at(i).checker().began_decodable());
  }
  CHECK(others.faults().empty());
}

TEST_CASE("a delay that is no number of seconds within the buffer is refused", "[delay]") {
  const Service service{{.workers = 1}};
  const auto target = stream_target(stream_id(1));
  for (const auto* bad : {"", "x", "1.5", "-1", "46", "99999999999", "1x"}) {
    INFO(bad);
    CHECK(http_request(service.port(), "GET", target + "&delay=" + bad).status == 400);
    CHECK(http_request(service.port(), "HEAD", target + "&delay=" + bad).status == 400);
  }
  CHECK(http_request(service.port(), "HEAD", target + "&delay=45").status == 200);
}
