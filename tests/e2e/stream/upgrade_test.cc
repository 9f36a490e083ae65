#include <algorithm>
#include <csignal>
#include <set>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kUpgrades = 3;
constexpr std::size_t kViewers = 24;

std::set<pid_t> pids_of(const Service& service) {
  std::set<pid_t> pids;
  for (const auto& row : service.workers()) pids.insert(row.pid);
  return pids;
}

/// Asks for an upgrade to the same program, and again and again for the service's health until the
/// new workers serve.
void upgrade(Service& service, Viewers& viewers) {
  const auto log = service.proxy().log();
  const auto upgraded = count_events(log, "upgraded") + 1;
  const auto reloaded = count_events(log, "reloaded") + 1;
  service.proxy().signal(SIGUSR2);
  std::size_t asked = 0;
  const auto is_done = [&] {
    CHECK(service.get("/healthz").status == 200);
    const auto now = service.proxy().log();
    return ++asked >= 100 && count_events(now, "upgraded") >= upgraded &&
           count_events(now, "reloaded") >= reloaded;
  };
  REQUIRE(viewers.run_until(is_done, 60s));
}

}  // namespace

TEST_CASE("viewers and callers notice nothing of upgrades", "[upgrade]") {
  Service service{{.workers = 2, .bitrate = 2'000'000}};
  const auto pid = service.proxy().pid();
  Viewers viewers{service.port()};
  viewers.open(kViewers, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));

  std::set<pid_t> old;
  for (std::size_t round = 0; round < kUpgrades; ++round) {
    old.merge(pids_of(service));
    upgrade(service, viewers);
    viewers.open(2, stream_target(stream_id(1)));
    REQUIRE(all_served(viewers, 10s));
  }
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == viewers.size());
  CHECK(service.engines().state().engine(0, "playback_connections") == 1);
  CHECK(service.proxy().pid() == pid);
  CHECK(service.proxy().is_alive());

  const auto old_have_left = [&] {
    const auto now = pids_of(service);
    return now.size() == 2 &&
           std::ranges::none_of(now, [&](pid_t each) { return old.contains(each); });
  };
  CHECK(viewers.run_until(old_have_left, 30s));
  CHECK(viewers.faults().empty());
  viewers.close_all();
  const auto ended = service.proxy().terminate(20s);
  REQUIRE(ended);
  CHECK(ended->code == 0);
}
