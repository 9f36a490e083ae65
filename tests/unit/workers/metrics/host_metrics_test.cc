#include "workers/metrics/host_metrics.h"

#include <memory>

#include <catch2/catch.hpp>

#include "tests/support/metrics/metrics_page.h"

using namespace std::chrono_literals;
using ace::host::EngineFault;
using ace::host::Scoreboard;
using ace::host::StreamPhase;
using ace::host::StreamView;
using ace::host::WorkerPhase;
using ace::test::MetricsPage;

namespace {

struct Host {
  std::unique_ptr<Scoreboard> board{std::make_unique<Scoreboard>()};
  std::vector<StreamView> streams;

  [[nodiscard]] MetricsPage page() const {
    return MetricsPage{ace::metrics::host_metrics(*board, streams)};
  }
};

}  // namespace

TEST_CASE("the workers of a host are one row each, and their totals one", "[metrics]") {
  Host host;
  for (std::uint32_t slot = 0; slot < 3; ++slot) {
    static_cast<void>(host.board->open_slot(slot));
    auto& worker = host.board->slots[slot];
    worker.phase = slot == 2 ? WorkerPhase::Draining : WorkerPhase::Serving;
    worker.clients = 10 * (slot + 1);
    worker.redis_is_up = slot == 1 ? 0 : 1;
    if (slot == 1) worker.redis_trouble = ace::host::RedisTrouble::NotPermitted;
    if (slot == 2) worker.unstored_streams = 3;
    worker.longest_lag_ms = 1500;
    worker.window_bytes = 5'000;
    worker.window_permille = 250;
    worker.refusals[static_cast<std::size_t>(ace::host::Refusal::MemoryShort)] = 7;
    worker.bytes_to_clients = 1000;
    worker.engine_faults[static_cast<std::size_t>(EngineFault::Stall)] = 2;
    worker.join_time.add(100ms);
  }
  host.board->restarts = 4;
  host.streams.resize(3);
  host.streams[0].phase = StreamPhase::Streaming;
  host.streams[1].phase = StreamPhase::Streaming;
  const auto page = host.page();
  CHECK(page.value("ace_proxy_clients{worker=\"1\"}") == 20);
  CHECK(page.sum("ace_proxy_clients") == 60);
  CHECK(page.value("ace_proxy_redis_up{worker=\"0\"}") == 1);
  CHECK(page.value("ace_proxy_redis_up{worker=\"1\"}") == 0);
  CHECK(page.value("ace_proxy_redis_trouble{worker=\"1\",cause=\"not_permitted\"}") == 1);
  CHECK(page.value("ace_proxy_redis_trouble{worker=\"2\",cause=\"full\"}") == 1);
  CHECK(page.sum("ace_proxy_redis_trouble") == 2);
  CHECK(page.value("ace_proxy_client_lag_max_seconds{worker=\"2\"}") == 1.5);
  CHECK(page.value("ace_proxy_window_bytes{worker=\"2\"}") == 5'000);
  CHECK(page.value("ace_proxy_window_cut_ratio{worker=\"2\"}") == 0.25);
  CHECK(page.value("ace_proxy_refused_clients_total{reason=\"memory_short\"}") == 21);
  CHECK(page.value("ace_proxy_refused_clients_total{reason=\"too_many_starts\"}") == 0);
  CHECK(page.value("ace_proxy_workers{phase=\"serving\"}") == 2);
  CHECK(page.value("ace_proxy_workers{phase=\"draining\"}") == 1);
  CHECK(page.value("ace_proxy_workers{phase=\"starting\"}") == 0);
  CHECK(page.value("ace_proxy_streams{state=\"streaming\"}") == 2);
  CHECK(page.value("ace_proxy_streams{state=\"starting\"}") == 1);
  CHECK(page.value("ace_proxy_client_sent_bytes_total") == 3000);
  CHECK(page.value("ace_proxy_engine_errors_total{phase=\"stall\"}") == 6);
  CHECK(page.sum("ace_proxy_engine_errors_total") == 6);
  CHECK(page.value("ace_proxy_worker_restarts_total") == 4);
  CHECK(page.value("ace_proxy_join_seconds_count") == 3);
  CHECK(page.value("ace_proxy_join_seconds_bucket{le=\"0.05\"}") == 0);
  CHECK(page.value("ace_proxy_join_seconds_bucket{le=\"0.1\"}") == 3);
  CHECK(page.value("ace_proxy_join_seconds_sum") == Approx(0.3));
}

TEST_CASE("a worker that is gone has no row, but what it counted stays", "[metrics]") {
  Host host;
  static_cast<void>(host.board->open_slot(5));
  host.board->slots[5].requests = 7;
  host.board->slots[5].clients = 1;
  const auto before = host.page().totals();
  host.board->close_slot(5);
  const auto page = host.page();
  CHECK(page.totals() == before);
  CHECK(page.value("ace_proxy_requests_total") == 7);
  CHECK(page.sum("ace_proxy_clients") == 0);
  CHECK_THROWS(page.value("ace_proxy_clients{worker=\"5\"}"));
}
