#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kMeasured = 4;
/// As many as an owner of 4 workers takes before clients are spread.
constexpr std::size_t kOwnersShare = 8;

/// The median age of what the checked viewers get from now on, once their join burst is over.
std::chrono::milliseconds median_age(Viewers& viewers) {
  viewers.run_for(1500ms);
  viewers.restart_ages();
  viewers.run_for(4s);
  REQUIRE(viewers.ages().count() > 10'000);
  WARN("packet age: median " << viewers.ages().percentile(0.5).count() << " ms, 99th percentile "
                             << viewers.ages().percentile(0.99).count() << " ms");
  return viewers.ages().percentile(0.5);
}

/// Opens viewers whose packets are measured. @returns whose worker is `owner`.
std::size_t open_measured(Viewers& viewers, const std::string& target, const std::string& owner) {
  const auto first = viewers.open(kMeasured, target);
  REQUIRE(viewers.run_until([&] { return viewers.count_with_bytes(1) == viewers.size(); }, 20s));
  std::size_t at_owner = 0;
  for (auto i = first; i < viewers.size(); ++i) {
    if (viewers.at(i).worker() == owner) ++at_owner;
  }
  return at_owner;
}

}  // namespace

TEST_CASE("packets are young at an owner's and at a follower's clients", "[age]") {
  // The stream outlives the change of its viewers, however long that takes.
  const Service service{{.environment = {{"PROXY_GRACE_PERIOD", "60s"}}}};
  const auto target = stream_target(stream_id(1));
  Viewers viewers{service.port()};
  ViewerOptions unmeasured;
  unmeasured.discard = true;
  viewers.open(kOwnersShare, target, unmeasured);
  REQUIRE(all_served(viewers, 20s));
  const auto owner = service.owner().id;
  REQUIRE(viewers.workers().at(owner) == kOwnersShare);

  REQUIRE(open_measured(viewers, target, owner) == 0);
  CHECK(median_age(viewers) < 150ms);

  viewers.close_all();
  REQUIRE(viewers.run_until([&] { return service.started_streams().front().clients == 0; }, 20s));
  REQUIRE(open_measured(viewers, target, owner) == kMeasured);
  CHECK(median_age(viewers) < 100ms);
}
