#include <algorithm>
#include <chrono>

#include <catch2/catch.hpp>

#include "tests/support/process/http_request.h"
#include "tests/support/process/sim_process.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/viewers/viewers.h"
#include "tests/unit/engine_sim/sim_client.h"

using namespace std::chrono_literals;
using ace::test::FaultRecord;
using ace::test::get_stream;
using ace::test::http_request;
using ace::test::json_of;
using ace::test::path_in;
using ace::test::SimProcess;
using ace::test::StreamFault;
using ace::test::Viewers;
using ace::test::ViewerState;
using ace::test::wait_until;

namespace {

const std::string kId(40, 'a');

/// Opens a session and one viewer of it.
void watch(const SimProcess& sim, Viewers& viewers) {
  viewers.open(1, path_in(get_stream(sim.port(), kId, "1"), "playback_url"));
}

bool has_fault(const Viewers& viewers, StreamFault fault) {
  return std::ranges::count(viewers.at(0).checker().faults(), fault, &FaultRecord::fault) > 0;
}

}  // namespace

TEST_CASE("a refusing engine is back on its port when cleared", "[sim_fault]") {
  const SimProcess sim;
  sim.fault("refuse");
  CHECK(get_stream(sim.port(), kId, "1").error == "connection refused");
  sim.clear_faults();
  CHECK(get_stream(sim.port(), kId, "1").status == 200);
  sim.fault("refuse");
  sim.fault("refuse", "reset");
  CHECK(get_stream(sim.port(), kId, "1").error == "connection reset");
}

TEST_CASE("a hanging engine never answers getstream", "[sim_fault]") {
  const SimProcess sim;
  sim.fault("hang");
  const auto reply = http_request(sim.port(), "GET", "/ace/getstream?format=json&id=" + kId, {},
                                  {.timeout = 300ms});
  CHECK(reply.error == "timeout");
  CHECK(http_request(sim.port(), "GET", "/server/api?method=get_status").status == 200);
  CHECK(wait_until([&] { return sim.state().requests(0, "getstream") == 1; }, 10s));
}

TEST_CASE("slow json drips", "[sim_fault]") {
  const SimProcess sim;
  sim.fault("slow_json", "20");
  const auto reply = http_request(sim.port(), "GET", "/ace/getstream?format=json&id=" + kId, {},
                                  {.timeout = 400ms});
  CHECK(reply.error == "timeout");
}

TEST_CASE("errors are told as asked", "[sim_fault]") {
  const SimProcess sim;
  sim.fault("error_json", "failed to load content");
  const auto json = json_of(get_stream(sim.port(), kId, "1"));
  CHECK(json["error"].GetString() == std::string{"failed to load content"});
  CHECK(json["response"].IsNull());
  sim.fault("http_404");
  CHECK(get_stream(sim.port(), kId, "1").status == 404);
  sim.fault("http_500");
  CHECK(get_stream(sim.port(), kId, "1").status == 500);
  CHECK_THROWS(sim.fault("no such fault"));
}

TEST_CASE("redirects end after as many as asked, or never", "[sim_fault]") {
  const SimProcess sim;
  sim.fault("redirect", "2");
  const std::string target = "/ace/getstream?format=json&id=" + kId;
  CHECK(http_request(sim.port(), "GET", target).status == 302);
  CHECK(http_request(sim.port(), "GET", target + "&hop=1").status == 302);
  CHECK(http_request(sim.port(), "GET", target + "&hop=2").status == 200);
  sim.fault("redirect", "loop");
  CHECK(http_request(sim.port(), "GET", target + "&hop=99").status == 302);
  sim.fault("redirect", "playback:1");
  const auto reply = get_stream(sim.port(), kId, "1");
  REQUIRE(reply.status == 200);
  CHECK(http_request(sim.port(), "GET", path_in(reply, "playback_url")).status == 302);
}

TEST_CASE("a stalled stream keeps its connection and goes on without a gap", "[sim_fault]") {
  const SimProcess sim;
  Viewers viewers{sim.port()};
  watch(sim, viewers);
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > 0; }, 10s));
  sim.fault("stall");
  // What was on its way comes yet. In a stream that goes on, each of these waits brings 300 KB.
  std::uint64_t before = 0;
  for (int i = 0; i < 30 && before != viewers.total_bytes(); ++i) {
    before = viewers.total_bytes();
    viewers.run_for(300ms);
  }
  CHECK(viewers.total_bytes() == before);
  CHECK(viewers.at(0).state() == ViewerState::Streaming);
  sim.clear_faults();
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > before + 100'000; }, 10s));
  CHECK(viewers.at(0).checker().is_clean());
}

TEST_CASE("a cut stream ends or is reset", "[sim_fault]") {
  const SimProcess sim;
  Viewers viewers{sim.port()};
  watch(sim, viewers);
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > 0; }, 10s));
  const bool by_reset = GENERATE(false, true);
  sim.fault("cut", by_reset ? "reset" : "");
  const auto expected = by_reset ? ViewerState::Reset : ViewerState::Finished;
  CHECK(viewers.run_until([&] { return viewers.count(expected) == 1; }, 10s));
}

TEST_CASE("garbage and a misaligned start are seen as bad sync", "[sim_fault]") {
  const SimProcess sim;
  Viewers viewers{sim.port()};
  const std::string fault = GENERATE(as<std::string>{}, "misaligned", "garbage");
  sim.fault(fault, "100");
  watch(sim, viewers);
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > 200'000; }, 10s));
  CHECK(has_fault(viewers, StreamFault::BadSync));
  CHECK(viewers.at(0).checker().counts().numbered > 0);
}

TEST_CASE("writes of odd sizes are the same stream", "[sim_fault]") {
  const SimProcess sim;
  Viewers viewers{sim.port()};
  sim.fault("split");
  watch(sim, viewers);
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > 300'000; }, 10s));
  CHECK(viewers.at(0).checker().is_clean());
}

TEST_CASE("a burst brings its seconds at once", "[sim_fault]") {
  const SimProcess sim;
  Viewers viewers{sim.port()};
  sim.fault("burst", "20");  // 20 MB at 8 Mbit/s
  watch(sim, viewers);
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > 20'000'000; }, 10s));
  CHECK(viewers.at(0).checker().is_clean());
  CHECK(viewers.ages().max() >= 19s);
}

TEST_CASE("a playback that hangs sends no head", "[sim_fault]") {
  const SimProcess sim;
  Viewers viewers{sim.port()};
  sim.fault("hang_playback");
  watch(sim, viewers);
  REQUIRE(viewers.run_until([&] { return viewers.at(0).state() == ViewerState::Head; }, 10s));
  viewers.run_for(300ms);
  CHECK(viewers.at(0).state() == ViewerState::Head);
  sim.clear_faults();
  CHECK(viewers.run_until([&] { return viewers.total_bytes() > 0; }, 10s));
}

TEST_CASE("the getstream answer can be made odd", "[sim_fault]") {
  const SimProcess sim;
  for (const auto* fault : {"lie_address", "encrypted", "vod", "no_stat_url", "string_numbers"}) {
    sim.fault(fault);
  }
  const auto reply = get_stream(sim.port(), kId, "1");
  const auto json = json_of(reply);
  const auto& response = json["response"];
  const std::string url = response["playback_url"].GetString();
  CHECK(url.starts_with("http://127.0.0.1:6878/ace/r/"));
  CHECK(response["is_encrypted"].GetString() == std::string{"1"});
  CHECK(response["is_live"].GetString() == std::string{"0"});
  CHECK_FALSE(response.HasMember("stat_url"));
}
