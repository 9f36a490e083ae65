#include <chrono>

#include <catch2/catch.hpp>

#include "tests/support/process/http_request.h"
#include "tests/support/process/sim_process.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/viewers/viewers.h"
#include "tests/unit/engine_sim/sim_client.h"

using namespace std::chrono_literals;
using ace::test::get_stream;
using ace::test::http_request;
using ace::test::json_of;
using ace::test::path_in;
using ace::test::SimOptions;
using ace::test::SimProcess;
using ace::test::Viewers;
using ace::test::ViewerState;
using ace::test::wait_until;

namespace {

const std::string kId(40, 'a');

std::uint64_t alive(const SimProcess& sim) { return sim.state().stream(kId).alive; }

}  // namespace

TEST_CASE("a session plays a clean stream in real time", "[sim]") {
  SimOptions options;
  if (GENERATE(false, true)) options.arguments = {"--chunked"};
  const SimProcess sim{options};
  const auto reply = get_stream(sim.port(), kId, "1");
  REQUIRE(reply.status == 200);
  Viewers viewers{sim.port()};
  viewers.open(1, path_in(reply, "playback_url"));
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() >= 500'000; }, 10s));
  const auto& checker = viewers.at(0).checker();
  INFO(viewers.faults());
  CHECK(checker.is_clean());
  CHECK(checker.tag() == ace::test::stream_tag(ace::test::infohash_of_content(kId)));
  CHECK(viewers.ages().count() == checker.counts().numbered);
}

TEST_CASE("two engines carry the same packets at the same time", "[sim]") {
  const SimProcess sim{{.engines = 2}};
  Viewers one{sim.port(0)};
  Viewers two{sim.port(1)};
  one.open(1, path_in(get_stream(sim.port(0), kId, "1"), "playback_url"));
  two.open(1, path_in(get_stream(sim.port(1), kId, "2"), "playback_url"));
  REQUIRE(one.run_until([&] { return one.total_bytes() >= 300'000; }, 10s));
  REQUIRE(two.run_until([&] { return two.total_bytes() >= 300'000; }, 10s));
  CHECK(one.at(0).checker().tag() == two.at(0).checker().tag());
  // Later packets of the one are those that the other has had: their numbers meet.
  const auto joined_at = two.at(0).checker().first_seq();
  CHECK(one.run_until([&] { return one.at(0).checker().last_seq() > joined_at; }, 10s));
  CHECK(one.at(0).checker().is_clean());
  CHECK(two.at(0).checker().is_clean());
  CHECK(sim.state().stream(kId).max_alive == 2);
  CHECK(sim.state().stream(0, kId).max_alive == 1);
}

TEST_CASE("stop ends the session and its connection", "[sim]") {
  const SimProcess sim;
  const auto reply = get_stream(sim.port(), kId, "1");
  Viewers viewers{sim.port()};
  viewers.open(1, path_in(reply, "playback_url"));
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > 0; }, 10s));
  const auto stopped =
      http_request(sim.port(), "GET", path_in(reply, "command_url") + "?method=stop");
  CHECK(stopped.body == R"({"response":"ok","error":null})");
  CHECK(viewers.run_until([&] { return viewers.count(ViewerState::Finished) == 1; }, 10s));
  const auto stat = http_request(sim.port(), "GET", path_in(reply, "stat_url"));
  CHECK(stat.body == R"({"error":"unknown playback session id"})");
  CHECK(alive(sim) == 0);
  CHECK(sim.state().engine(0, "stops_received") == 1);
}

TEST_CASE("a second player ends the first one's connection", "[sim]") {
  const SimProcess sim;
  const auto first = get_stream(sim.port(), kId, "1");
  Viewers viewers{sim.port()};
  viewers.open(1, path_in(first, "playback_url"));
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > 0; }, 10s));
  const auto second = get_stream(sim.port(), kId, "2");
  CHECK(viewers.run_until([&] { return viewers.at(0).is_over(); }, 10s));
  const auto stat = json_of(http_request(sim.port(), "GET", path_in(first, "stat_url")));
  CHECK(stat["error"].GetString() == std::string{"got newer download"});
  CHECK(path_in(second, "playback_url") != path_in(first, "playback_url"));
  CHECK(sim.state().stream(kId).opened == 2);
}

TEST_CASE("a second reader of one playback url ends the first", "[sim]") {
  const SimProcess sim;
  const auto path = path_in(get_stream(sim.port(), kId, "1"), "playback_url");
  Viewers viewers{sim.port()};
  viewers.open(1, path);
  REQUIRE(viewers.run_until([&] { return viewers.at(0).bytes() > 0; }, 10s));
  viewers.open(1, path);
  REQUIRE(viewers.run_until([&] { return viewers.at(1).bytes() > 0; }, 10s));
  CHECK(viewers.run_until([&] { return viewers.at(0).is_over(); }, 10s));
  CHECK(sim.state().stream(kId).opened == 1);
}

TEST_CASE("a session outlives its connection for a while", "[sim]") {
  const SimProcess sim{{.arguments = {"--session-linger-ms", "4000"}}};
  const auto path = path_in(get_stream(sim.port(), kId, "1"), "playback_url");
  Viewers viewers{sim.port()};
  viewers.open(1, path);
  REQUIRE(viewers.run_until([&] { return viewers.at(0).bytes() > 0; }, 10s));
  viewers.close(0);
  viewers.open(1, path);  // adopted
  REQUIRE(viewers.run_until([&] { return viewers.at(1).bytes() > 0; }, 10s));
  CHECK(sim.state().stream(kId).opened == 1);
  viewers.close(1);
  CHECK(wait_until([&] { return alive(sim) == 0; }, 10s));
  CHECK(http_request(sim.port(), "GET", path).status == 500);
}

TEST_CASE("without format=json the player is sent to the stream", "[sim]") {
  const SimProcess sim;
  const auto reply = http_request(sim.port(), "GET", "/ace/getstream?id=" + kId);
  CHECK(reply.status == 302);
  CHECK(reply.headers.find("location").value_or("").find("/ace/r/") != std::string::npos);
}

TEST_CASE("the event url tells the end of a session", "[sim]") {
  const SimProcess sim;
  const auto reply = get_stream(sim.port(), kId, "1", "&use_api_events=1");
  const auto stop = path_in(reply, "command_url") + "?method=stop";
  REQUIRE(http_request(sim.port(), "GET", stop).status == 200);
  const auto event = http_request(sim.port(), "GET", path_in(reply, "event_url"));
  CHECK(event.body.find("download_stopped") != std::string::npos);
}

TEST_CASE("version and status are told as an engine tells them", "[sim]") {
  const SimProcess sim;
  const auto version =
      json_of(http_request(sim.port(), "GET", "/webui/api/service?method=get_version"));
  CHECK(version["result"]["version"].GetString() == std::string{"3.1.70"});
  const auto status =
      json_of(http_request(sim.port(), "GET", "/server/api?api_version=3&method=get_status"));
  CHECK(status["result"]["playlist_loaded"].IsBool());
  const auto manifest =
      json_of(http_request(sim.port(), "GET", "/ace/manifest.m3u8?format=json&id=" + kId));
  CHECK(manifest["response"].IsNull());
  CHECK(manifest["error"].IsString());
}

TEST_CASE("it ends properly when its input ends", "[sim]") {
  SimProcess sim;
  sim.process().close_stdin();
  const auto ended = sim.process().wait(10s);
  REQUIRE(ended);
  CHECK(ended->code == 0);
}

TEST_CASE("it ends properly by a signal, in the middle of a stream", "[sim]") {
  SimProcess sim;
  Viewers viewers{sim.port()};
  viewers.open(1, path_in(get_stream(sim.port(), kId, "1"), "playback_url"));
  REQUIRE(viewers.run_until([&] { return viewers.total_bytes() > 0; }, 10s));
  const auto ended = sim.process().terminate(10s);
  REQUIRE(ended);
  CHECK(ended->code == 0);
}
