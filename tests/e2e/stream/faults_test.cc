// What an engine can do wrong, one by one: what viewers are told, and where the reason stands.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

const ProxyProcess::Environment kShort{{"PROXY_ENGINE_JSON_TIMEOUT", "2s"},
                                       {"PROXY_ENGINE_FIRST_BYTE_TIMEOUT", "2500ms"}};

/// A stream that cannot be started.
struct Refusal {
  std::string fault;
  std::string value;
  int status{};
  std::string code;    ///< of the answer
  std::string phases;  ///< of the engine's last error: one of these, as bytes come or not
};

const std::vector<Refusal>& refusals() {
  static const std::vector<Refusal> all{
      {"refuse", "", 503, "no_engine", "connect"},
      {"hang", "", 504, "engine_timeout", "getstream"},
      {"slow_json", "1", 504, "engine_timeout", "getstream"},
      {"error_json", "no such swarm", 502, "engine_error", "getstream"},
      {"http_500", "", 502, "engine_error", "getstream"},
      {"http_404", "", 502, "engine_error", "getstream"},
      {"http_500", "playback", 502, "engine_error", "headers"},
      {"http_404", "playback", 502, "engine_error", "headers"},
      {"redirect", "loop", 502, "engine_error", "getstream"},
      {"hang_playback", "", 504, "engine_timeout", "headers"},
      {"stall", "", 504, "engine_timeout", "first byte, reading"},
      {"garbage", "", 504, "engine_timeout", "first byte, reading"},
  };
  return all;
}

std::string error_phase(const Service& service) {
  const auto json = json_of(service.get("/engines").body);
  const auto& error = json[0]["last_error"];
  return error.IsNull() ? "" : error["phase"].GetString();
}

std::string status_of(const Service& service) {
  const auto json = json_of(service.get("/streams").body);
  return json.Empty() ? "none" : json[0]["status"].GetString();
}

}  // namespace

TEST_CASE("an engine that does not play is told of, with its reason", "[faults]") {
  Service service{{.workers = 2, .bitrate = 1'000'000, .environment = kShort}};
  unsigned number = 0;
  for (const auto& wanted : refusals()) {
    INFO(wanted.fault << " " << wanted.value);
    const auto failed = count_events(service.proxy().log(), "stream_failed");
    const auto sessions = count_events(service.proxy().log(), "engine_session_failed");
    service.engines().fault(wanted.fault, wanted.value);
    const auto reply = http_request(service.port(), "GET", stream_target(stream_id(++number)), {},
                                    {.timeout = 20s});
    CHECK(reply.status == wanted.status);
    const auto json = json_of(reply.body);
    CHECK(json["error"]["code"].GetString() == wanted.code);
    REQUIRE(json["error"]["engines"].Size() == 1);
    CHECK(json["error"]["engines"][0]["error"].GetStringLength() > 0);
    const auto phase = error_phase(service);
    CHECK_FALSE(phase.empty());
    CHECK_THAT(wanted.phases, Catch::Contains(phase));
    CHECK(count_events(service.proxy().log(), "stream_failed") == failed + 1);
    CHECK(count_events(service.proxy().log(), "engine_session_failed") == sessions + 1);
    service.engines().clear_faults();
    CHECK(wait_until([&] { return service.engines().state().engine(0, "sessions_alive") == 0; },
                     20s));
    CHECK(wait_until([&] { return status_of(service) == "none"; }, 10s));
  }
  CHECK(service.workers().size() == 2);
}

TEST_CASE("an engine that resets connections does not play", "[faults]") {
  Service service{{.workers = 2, .bitrate = 1'000'000, .environment = kShort}};
  service.engines().fault("refuse", "reset");
  const auto reply = service.get(stream_target(stream_id(1)));
  // As the reset comes while connecting, or when the request is out already.
  const std::pair<int, std::string> seen{reply.status, error_phase(service)};
  const bool is_told = seen == std::pair<int, std::string>{503, "connect"} ||
                       seen == std::pair<int, std::string>{502, "getstream"};
  CAPTURE(reply.status, reply.body);
  CHECK(is_told);
  CHECK(count_events(service.proxy().log(), "engine_session_failed") == 1);
}

TEST_CASE("odd pieces, an early start and a wrong address trouble no viewer", "[faults]") {
  const auto [fault, value] = GENERATE(table<std::string, std::string>({{"misaligned", "1"},
                                                                        {"misaligned", "187"},
                                                                        {"split", ""},
                                                                        {"burst", "5"},
                                                                        {"lie_address", ""}}));
  CAPTURE(fault, value);
  Service service{{.workers = 2, .bitrate = 1'000'000, .environment = kShort}};
  service.engines().fault(fault, value);
  Viewers viewers{service.port()};
  viewers.open(3, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 15s));
  CHECK(viewers.run_until([&] { return viewers.count_with_bytes(300'000) == 3; }, 30s));
  CHECK(viewers.faults().empty());
  // With a burst they have their bytes before the owner has come to tell of it.
  CHECK(wait_until([&] { return status_of(service) == "started"; }, 5s));
  CHECK(count_events(service.proxy().log(), "engine_session_failed") == 0);
}

TEST_CASE("a session that breaks or jumbles in the middle costs nobody the connection",
          "[faults]") {
  const auto [fault, value] = GENERATE(
      table<std::string, std::string>({{"cut", ""}, {"cut", "reset"}, {"garbage", "5000"}}));
  CAPTURE(fault, value);
  Service service{{.workers = 2, .bitrate = 1'000'000, .environment = kShort}};
  Viewers viewers{service.port()};
  viewers.open(3, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 15s));
  service.engines().fault(fault, value);
  const auto bytes = viewers.total_bytes();
  CHECK(viewers.run_until([&] { return viewers.total_bytes() > bytes + 3 * 300'000; }, 30s));
  CHECK(viewers.count(ViewerState::Streaming) == 3);
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    for (const auto& found : viewers.at(i).checker().faults()) {
      CAPTURE(found.text);
      // What was jumbled cannot be had again; the packet in which it began nobody can tell apart.
      const bool is_lost = found.fault == StreamFault::Gap || found.fault == StreamFault::Corrupt;
      CHECK(is_lost);
      CHECK(fault == "garbage");
    }
  }
  const auto failed = count_events(service.proxy().log(), "engine_session_failed");
  CHECK(failed == (fault == "cut" ? 1U : 0U));
  CHECK(error_phase(service) == (fault == "cut" ? "reading" : ""));
  CHECK(status_of(service) == "started");
}
