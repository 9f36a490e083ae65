// "Why did it freeze?": the log and the stream's page name what a stall came from, and how long
// each part of the start took.

#include <signal.h>

#include <algorithm>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/e2e/stream/two_hosts.h"
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

/// Of the clients whose `member` begins like that; what the page says of one that has stood still.
struct ClientStall {
  std::string cause;
  std::uint64_t ms{};
  bool is_over{};
};
std::vector<ClientStall> client_stalls(const HttpReply& page, const char* member,
                                       std::string_view value) {
  std::vector<ClientStall> stalls;
  if (page.status != 200) return stalls;
  const auto json = json_of(page.body);
  for (const auto& client : json["client_list"].GetArray()) {
    const std::string_view is{client[member].GetString()};
    if (!is.starts_with(value) || !client.HasMember("stall")) continue;
    const auto& stall = client["stall"];
    stalls.push_back(
        {stall["cause"].GetString(), stall["ms"].GetUint64(), stall["is_over"].GetBool()});
  }
  return stalls;
}

/// A stream of host A that two viewers follow on host B; one worker on each.
class Followed {
 public:
  Followed() {
    hosts_.watch(2, 2);
    hosts_.run_for(500ms);
  }
  [[nodiscard]] TwoHosts& hosts() { return hosts_; }

  /// Of B's viewers, as that host has it.
  [[nodiscard]] std::vector<ClientStall> stalls(const ProxyProcess& told_by) const {
    const auto page =
        http_request(told_by.port(), "GET", "/streams/" + hosts_.id, {}, {.timeout = 20s});
    return client_stalls(page, "worker", "host-b:");
  }
  /// Lasts until it is, beyond what a worker that stands still before can be to blame for.
  void is_put_down_to(const std::string& cause) {
    const auto is_so = [&] {
      const auto told = stalls(*hosts_.b);
      return told.size() == 2 && std::ranges::all_of(told, [&](const ClientStall& stall) {
               return stall.cause == cause && stall.ms >= 3000 && !stall.is_over;
             });
    };
    CHECK(hosts_.at_b.run_until(is_so, 30s));
  }
  /// Both hosts tell that it is over, long before the next heartbeat, and B's log does.
  void check_told(const std::string& cause) {
    bool is_told_by_a = false;
    bool is_told_by_b = false;
    const auto tells = [&](const ProxyProcess& host) {
      const auto told = stalls(host);
      return told.size() == 2 && std::ranges::all_of(told, [&](const ClientStall& stall) {
               return stall.cause == cause && stall.ms >= 3000 && stall.is_over;
             });
    };
    const auto is_told = [&] {
      is_told_by_b = is_told_by_b || tells(*hosts_.b);
      is_told_by_a = is_told_by_a || tells(*hosts_.a);
      return is_told_by_a && is_told_by_b;
    };
    CHECK(hosts_.run_until(is_told, 30s));
    CHECK_THAT(hosts_.b->process().log(), Catch::Contains("cause=" + cause + " lasted_ms="));
    CHECK(hosts_.at_b.count(ViewerState::Streaming) == 2);
  }

 private:
  // Nobody takes the stream over, and no heartbeat tells.
  TwoHosts hosts_{
      {},
      {.engines = 1, .bitrate = 2'000'000},
      {{"PROXY_WORKERS", "1"}, {"PROXY_LEASE", "60s"}, {"PROXY_HEARTBEAT_INTERVAL", "5min"}}};
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

TEST_CASE("a client that is too slow is named, and nobody else", "[stall]") {
  Service service{{.workers = 1,
                   .bitrate = 4'000'000,
                   .environment = {{"PROXY_JOIN_BURST", "1s"},
                                   {"PROXY_HEARTBEAT_INTERVAL", "5min"},
                                   {"PROXY_STALLED_CLIENT_TIMEOUT", "5min"}}}};
  Viewers fast{service.port()};
  fast.open(1, stream_target(stream_id(1)), {.headers = {{"User-Agent", "fast"}}});
  REQUIRE(all_served(fast, 20s));
  Viewers slow{service.port()};
  slow.open(1, stream_target(stream_id(1)),
            {.receive_buffer = 32'768, .headers = {{"User-Agent", "slow"}}});
  REQUIRE(all_served(slow, 20s));
  const auto stalls = [&](std::string_view agent) {
    return client_stalls(service.get("/streams/" + stream_id(1)), "agent", agent);
  };
  // It stands still now.
  const auto is_named = [&] {
    const auto told = stalls("slow");
    return told.size() == 1 && told[0].cause == "client_slow" && !told[0].is_over;
  };
  REQUIRE(fast.run_until(is_named, 60s));
  CHECK_THAT(service.proxy().log(),
             Catch::Contains("client_stalled") && Catch::Contains(" cause=client_slow lag_ms="));
  const auto is_over = [&] {
    const auto told = stalls("slow");
    return told.size() == 1 && told[0].cause == "client_slow" && told[0].is_over;
  };
  CHECK(fast.run_until([&] { return slow.run_until(is_over, 20ms); }, 60s));
  CHECK(stalls("slow").front().ms >= 2000);
  for (const auto& stall : stalls("fast")) CHECK(stall.cause != "client_slow");
  CHECK(count_events(service.proxy().log(), "client_stalled") >= 1);
}

TEST_CASE("viewers of a follower are told that Redis was away", "[stall]") {
  Followed stream;
  stream.hosts().redis.pause();
  stream.is_put_down_to("redis_away");
  stream.hosts().redis.resume();
  stream.check_told("redis_away");
}

TEST_CASE("viewers of a follower are told that the owner was silent", "[stall]") {
  Followed stream;
  stream.hosts().signal_a(SIGSTOP);
  stream.is_put_down_to("owner_silent");
  stream.hosts().signal_a(SIGCONT);
  stream.check_told("owner_silent");
}

TEST_CASE("viewers that go to the owner because Redis is away are told why they waited",
          "[stall]") {
  Service service{{.bitrate = 2'000'000, .environment = {{"PROXY_HEARTBEAT_INTERVAL", "5min"}}}};
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(viewers.workers().size() >= 3);
  const auto are_told = [&] {
    const auto told = client_stalls(service.get("/streams/" + stream_id(1)), "worker", "");
    return std::ranges::any_of(told, [](const ClientStall& stall) {
      return stall.cause == "redis_away" && stall.is_over && stall.ms >= 2000;
    });
  };
  service.redis_server().pause();
  CHECK(viewers.run_until(are_told, 30s));
  service.redis_server().resume();
  const auto is_redis_up = [&] { return json_of(service.get("/healthz").body)["redis"] == "up"; };
  CHECK(viewers.run_until([&] { return is_redis_up() && are_told(); }, 30s));
  CHECK_THAT(service.proxy().log(), Catch::Contains("cause=redis_away silent_ms="));
}
