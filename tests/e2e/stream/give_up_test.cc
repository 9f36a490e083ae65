// A stream that nobody can bring back: how long that is tried, and how it ends.

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

const ProxyProcess::Environment kSoon{{"PROXY_GIVE_UP", "3s"}, {"PROXY_CONNECTION_TIMEOUT", "1s"}};

rapidjson::Document row_of(const Service& service) {
  return json_of(service.get("/streams/" + stream_id(1)).body);
}

std::string text_of(const rapidjson::Document& json, const char* member) {
  return json.HasMember(member) ? json[member].GetString() : "";
}

}  // namespace

TEST_CASE("a stream without media ends for its viewers when its time is up", "[give_up]") {
  // Nobody listens any more; the session is silent; it is silent and the engine has no peers.
  const auto [fault, value, reason] = GENERATE(table<std::string, std::string, std::string>(
      {{"refuse", "close", "connect"}, {"stall", "", "no media"}, {"dry", "", "no media"}}));
  CAPTURE(fault);
  Service service{{.workers = 2, .bitrate = 1'000'000, .environment = kSoon}};
  if (fault == "dry") service.engines().fault("no_peers");
  Viewers viewers{service.port()};
  viewers.open(6, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 15s));
  viewers.run_for(500ms);
  const ace::SystemClock clock;
  const auto since = clock.now();
  service.engines().fault(fault == "dry" ? "stall" : fault, value);
  if (fault == "refuse") service.engines().fault("cut");
  REQUIRE(viewers.run_until([&] { return viewers.count(ViewerState::Finished) == 6; }, 30s));
  CHECK(clock.now() - since > 2500ms);
  // What failed is not tried again at once: within 3 s.
  const auto refused = service.get(stream_target(stream_id(1)));
  CHECK(refused.status >= 502);
  CHECK_THAT(refused.body, Catch::Contains(reason));
  CHECK(viewers.faults().empty());

  REQUIRE(wait_until([&] { return text_of(row_of(service), "status") == "failed"; }, 20s));
  const auto row = row_of(service);
  CHECK_THAT(text_of(row, "error_message"), Catch::Contains(reason));
  CHECK_THAT(text_of(row, "error_time"), Catch::StartsWith("20"));
  const auto all = json_of(service.get("/streams").body);
  REQUIRE(all.Size() == 1);
  CHECK(text_of(row, "error_message") == all[0]["error_message"].GetString());
  CHECK(service.started_streams().empty());
  CHECK(count_events(service.proxy().log(), "stream_failed") == 1);
  if (fault != "refuse") {
    CHECK(wait_until([&] { return service.engines().state().engine(0, "sessions_alive") == 0; },
                     20s));
    CHECK(service.engines().state().engine(0, "stops_received") >= 1);
  }
  service.engines().clear_faults();
  Viewers later{service.port()};
  CHECK(wait_until(
      [&] {
        const auto last = later.open(1, stream_target(stream_id(1)));
        return later.run_until([&] { return later.at(last).bytes() > 0; }, 1s) &&
               later.at(last).status() == 200;
      },
      30s));
}

TEST_CASE("a stream that comes back in time is not given up", "[give_up]") {
  // So much longer than each silence that a test which stands still for seconds does not lengthen
  // one to the end of that time.
  Service service{{.workers = 2,
                   .bitrate = 1'000'000,
                   .environment = {{"PROXY_GIVE_UP", "8s"}, {"PROXY_CONNECTION_TIMEOUT", "1s"}}}};
  Viewers viewers{service.port()};
  viewers.open(4, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 15s));
  for (int round = 0; round < 3; ++round) {  // each shorter than the time, all of them longer
    service.engines().fault("stall");
    viewers.run_for(3s);
    service.engines().clear_faults();
    const auto bytes = viewers.total_bytes();
    REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > bytes + 100'000; }, 30s));
  }
  CHECK(viewers.count(ViewerState::Streaming) == 4);
  CHECK(count_events(service.proxy().log(), "stream_failed") == 0);
}
