#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/lossy_link/lossy_link.h"
#include "tests/support/metrics/metrics_page.h"
#include "tests/support/process/long_run.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kViewers = 12;

}  // namespace

TEST_CASE("a bad line to Redis moves no stream, and no viewer misses a packet", "[bad_line]") {
  const RedisServer redis;
  const LossyLink line{redis.endpoint().socket, {}};
  const Service service{{.workers = 2,
                         .bitrate = 2'000'000,
                         .redis = RedisIs::Away,
                         .environment = {{"REDIS_SOCKET", ""},
                                         {"REDIS_HOST", "127.0.0.1"},
                                         {"REDIS_PORT", std::to_string(line.port())}}}};
  const auto metrics = [&] { return MetricsPage{service.get("/metrics").body}; };
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(kViewers, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(viewers.workers().size() == 2);
  REQUIRE(metrics().sum("ace_proxy_redis_up") == 2);
  const auto owner = service.owner().id;

  viewers.run_for(is_long_run() ? 300s : 20s);
  CHECK(line.segments_lost() > 50);
  const auto page = metrics();
  INFO(service.get("/metrics").body);
  CHECK(page.value("ace_proxy_takeovers_total") == 0);
  CHECK(page.value("ace_proxy_redis_reconnects_total") == 0);
  CHECK(page.value("ace_proxy_chunks_not_stored_total") == 0);
  CHECK(page.value("ace_proxy_client_skips_total") == 0);
  CHECK(service.owner().id == owner);
  CHECK(service.engines().state().stream(id).opened == 1);
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == kViewers);
  // A line's delay and its retransmissions, a few in a row: less than a lease, after which another
  // owner would be the reason.
  CHECK(viewers.longest_pause() < 6s);
}
