#include <set>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kWorkers = 5;

ServiceOptions five_workers() {
  return {.workers = kWorkers, .bitrate = 500'000, .environment = {{"PROXY_GRACE_PERIOD", "1s"}}};
}

/// What viewers were told instead of media, each answer once.
std::set<std::string> answers(const Viewers& viewers) {
  std::set<std::string> different;
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    different.insert(std::to_string(viewers.at(i).status()) + " " + viewers.at(i).error_body());
  }
  return different;
}

/// One try of an id that may be either is two: as content id, then as infohash.
std::uint64_t asked(const Service& service) {
  return service.engines().state().requests(0, "getstream");
}

bool all_over(Viewers& viewers, std::chrono::milliseconds timeout) {
  return viewers.run_until(
      [&] {
        std::size_t over = 0;
        for (std::size_t i = 0; i < viewers.size(); ++i) over += viewers.at(i).is_over() ? 1U : 0U;
        return over == viewers.size();
      },
      timeout);
}

}  // namespace

TEST_CASE("five who ask at once for a cold stream share one session", "[single_flight]") {
  const Service service{five_workers()};
  const unsigned rounds = is_long_run() ? 500 : 100;
  for (unsigned round = 1; round <= rounds; ++round) {
    INFO("round " << round);
    const auto id = stream_id(round);
    Viewers viewers{service.port()};
    viewers.open(kWorkers, stream_target(id));
    REQUIRE(all_served(viewers, 20s));
    CHECK(viewers.faults().empty());
    CHECK(service.engines().state().stream(id).opened == 1);
  }
  // Also afterwards nobody opened another one.
  const auto is_idle = [&] { return service.engines().state().engine(0, "sessions_alive") == 0; };
  Viewers nobody{service.port()};
  CHECK(nobody.run_until(is_idle, 20s));
  CHECK(service.engines().state().engine(0, "sessions_opened") == rounds);
}

TEST_CASE("five who ask at once for a stream that cannot start are told the same, after one try",
          "[single_flight]") {
  const Service service{five_workers()};
  service.engines().fault("error_json", "no such content");
  const auto target = stream_target(stream_id(1));
  const auto begun = std::chrono::steady_clock::now();
  Viewers viewers{service.port()};
  viewers.open(kWorkers, target);
  REQUIRE(all_over(viewers, 20s));
  const auto told = answers(viewers);
  REQUIRE(told.size() == 1);
  CHECK_THAT(*told.begin(), Catch::Contains("no such content"));
  CHECK(viewers.at(0).status() == 502);
  CHECK(asked(service) == 2);

  // Those who ask again within three seconds of the failure are told the same, whoever they come
  // to. How long ago it was is only known from outside: a slow machine asks fewer times.
  while (std::chrono::steady_clock::now() - begun < 2500ms) {
    Viewers again{service.port()};
    again.open(kWorkers, target);
    REQUIRE(all_over(again, 20s));
    if (std::chrono::steady_clock::now() - begun >= 3s) break;
    CHECK(answers(again) == told);
    CHECK(asked(service) == 2);
    again.run_for(50ms);
  }
  // Nor is it remembered for ever.
  service.engines().clear_faults();
  Viewers later{service.port()};
  const auto is_served = [&] {
    if (later.size() == 0 || later.at(later.size() - 1).is_over()) later.open(1, target);
    return later.count_with_bytes(1) > 0 && later.count(ViewerState::Streaming) == 1;
  };
  CHECK(later.run_until(is_served, 20s));
  CHECK(service.engines().state().stream(stream_id(1)).opened == 1);
}
