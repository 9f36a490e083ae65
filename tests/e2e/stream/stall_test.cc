// "Why did it freeze?": the log and the stream's page name what a stall came from, and how long
// each part of the start took.

#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

rapidjson::Document page_of(const Service& service) {
  return json_of(service.get("/streams/" + stream_id(1)).body);
}

std::string stall_cause(const Service& service) {
  const auto page = page_of(service);
  return page.HasMember("stall") ? page["stall"]["cause"].GetString() : "";
}

/// A stream of two viewers that stops for a while and goes on.
class Frozen {
 public:
  explicit Frozen(std::vector<std::string> before = {}) {
    for (const auto& fault : before) service_.engines().fault(fault);
    viewers_.open(2, stream_target(stream_id(1)));
    REQUIRE(all_served(viewers_, 15s));
    viewers_.run_for(500ms);
  }
  [[nodiscard]] Service& service() { return service_; }
  [[nodiscard]] Viewers& viewers() { return viewers_; }

  /// Lasts until it is, by so much that a worker which stands still before it is over changes
  /// nothing.
  void is_put_down_to(const std::string& cause) {
    const auto is_so = [&] {
      const auto page = page_of(service_);
      return page.HasMember("stall") && page["stall"]["cause"].GetString() == cause &&
             page["stall"]["ms"].GetUint64() >= 4000;
    };
    CHECK(viewers_.run_until(is_so, 30s));
  }
  void goes_on() {
    const auto bytes = viewers_.total_bytes();
    REQUIRE(viewers_.run_until([&] { return viewers_.total_bytes() > bytes + 300'000; }, 30s));
    CHECK(viewers_.count(ViewerState::Streaming) == 2);
  }
  /// Told when it was over, once, of this cause.
  void check_told(const std::string& cause) {
    const auto is_told = [&] {
      const auto page = page_of(service_);
      return page.HasMember("stall") && page["stall"]["is_over"].GetBool();
    };
    REQUIRE(wait_until(is_told, 10s));
    const auto page = page_of(service_);
    CHECK(page["stall"]["cause"].GetString() == cause);
    CHECK(page["stall"]["ms"].GetUint64() >= 2000);
    CHECK_THAT(page["stall"]["since"].GetString(), Catch::StartsWith("20"));
    CHECK_THAT(service_.proxy().log(), Catch::Contains("cause=" + cause + " lasted_ms="));
  }

 private:
  Service service_{
      {.workers = 1, .bitrate = 2'000'000, .environment = {{"PROXY_CONNECTION_TIMEOUT", "1s"}}}};
  Viewers viewers_{service_.port()};
};

}  // namespace

TEST_CASE("how long each part of a start took is told", "[stall]") {
  Service service{{.workers = 2, .bitrate = 2'000'000, .source = "ffmpeg"}};
  Viewers viewers{service.port()};
  viewers.open(2, stream_target(stream_id(1)), {.discard = true});
  REQUIRE(all_served(viewers, 15s));
  REQUIRE(viewers.run_until([&] { return page_of(service).HasMember("start"); }, 10s));
  const auto page = page_of(service);
  for (const auto* phase :
       {"pick_ms", "getstream_ms", "headers_ms", "first_byte_ms", "random_access_ms"}) {
    CAPTURE(phase);
    CHECK(page["start"][phase].GetUint64() >= 1);
    CHECK(page["start"][phase].GetUint64() < 15'000);
  }
  CHECK(count_events(service.proxy().log(), "stream_timeline") == 1);
  CHECK_FALSE(page.HasMember("stall"));
}

TEST_CASE("a silent engine is named", "[stall]") {
  Frozen stream;
  stream.service().engines().fault("stall");
  // Beyond what it takes to be told before it is over.
  CHECK(stream.viewers().run_until(
      [&] { return count_events(stream.service().proxy().log(), "stream_stalled") == 1; }, 20s));
  CHECK(stall_cause(stream.service()) == "engine_silent");
  CHECK_FALSE(page_of(stream.service())["stall"]["is_over"].GetBool());
  stream.service().engines().clear_faults();
  stream.goes_on();
  stream.check_told("engine_silent");
}

TEST_CASE("an engine that nobody sends anything is named", "[stall]") {
  Frozen stream{{"no_peers"}};
  stream.service().engines().fault("stall");
  stream.is_put_down_to("engine_starved");
  stream.service().engines().fault("none");
  stream.goes_on();
  stream.check_told("engine_starved");
}

TEST_CASE("an engine that is gone is named", "[stall]") {
  Frozen stream;
  stream.service().engines().fault("refuse", "close");
  stream.service().engines().fault("cut", "reset");
  stream.is_put_down_to("engine_lost");
  stream.service().engines().clear_faults();
  stream.goes_on();
  stream.check_told("engine_lost");
}

TEST_CASE("a worker that stood still is named", "[stall]") {
  Frozen stream;
  const auto worker = stream.service().workers().front().pid;
  ::kill(worker, SIGSTOP);
  stream.viewers().run_for(4s);
  ::kill(worker, SIGCONT);
  stream.goes_on();
  stream.check_told("worker_busy");
}
