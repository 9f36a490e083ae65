#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

TEST_CASE("while an engine is silent viewers stay, on owner and followers, and get null packets",
          "[silence]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  CHECK(viewers.workers().size() == 2);
  service.engines().fault("stall", "");
  const auto everybody = [&](auto holds) {
    for (std::size_t i = 0; i < viewers.size(); ++i) {
      if (!holds(viewers.at(i))) return false;
    }
    return true;
  };
  CHECK(viewers.run_until(
      [&] { return everybody([](const Viewer& v) { return v.checker().counts().nulls >= 2; }); },
      20s));
  service.engines().clear_faults();
  std::vector<std::uint64_t> before(viewers.size());
  for (std::size_t i = 0; i < viewers.size(); ++i) before[i] = viewers.at(i).bytes();
  // The same session, the same connections: only what the engine never sent is missing.
  CHECK(viewers.run_until(
      [&] {
        std::size_t i = 0;
        return everybody([&](const Viewer& v) { return v.bytes() > before[i++] + 200'000; });
      },
      20s));
  CHECK(everybody([](const Viewer& v) { return v.state() == ViewerState::Streaming; }));
  CHECK(service.engines().state().stream(stream_id(1)).opened == 1);
}
