#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "coordinator/host/host_memory.h"
#include "shared/curl/multi.h"
#include "tests/integration/engines/scripted_engine.h"
#include "workers/engines/dns_watch.h"
#include "workers/engines/orchestrator_watch.h"

using namespace std::chrono_literals;
using ace::engines::DnsWatch;
using ace::engines::EngineDirectory;
using ace::engines::EngineSource;
using ace::engines::OrchestratorWatch;
using ace::test::run_until;
using ace::test::ScriptedEngine;

namespace {

struct World {
  ace::loop::Loop loop;
  ace::loop::UvTimerFactory timers{loop};
  ace::curl::Multi curl{loop, timers};
  EngineDirectory directory;
  ace::SystemClock clock;
  std::unique_ptr<ace::host::HostMemory> host{std::move(*ace::host::HostMemory::create())};

  [[nodiscard]] DnsWatch::Parts parts() {
    return {.loop = loop,
            .timers = timers,
            .clock = clock,
            .table = host->engines(),
            .directory = directory};
  }
  [[nodiscard]] std::string listed() const {
    std::string all;
    for (const auto& engine : directory.engines()) {
      all += fmt::format("{}@{}{}/{} ", engine.id(), engine.authority().text(),
                         engine.forwarded ? "+" : "", engine.max_streams);
    }
    return all;
  }
};

}  // namespace

TEST_CASE("an orchestrator's engines come and go with its answers", "[engine_sources]") {
  World world;
  ScriptedEngine orchestrator{world.loop};
  std::string body = R"([{"container_id":"c1","host":"10.0.0.1","port":6878,"forwarded":true},
                         {"container_id":"c2","host":"10.0.0.2","port":6878}])";
  int status = 200;
  orchestrator.on("/api/engines", [&](auto& c) { c.answer(status, body); });
  OrchestratorWatch watch{world.curl, world.timers, world.directory, orchestrator.url("/api/"),
                          3,          20ms};
  REQUIRE(run_until(world.loop,
                    [&] { return world.listed() == "c1@10.0.0.1:6878+/3 c2@10.0.0.2:6878/3 "; }));
  body = R"([{"container_id":"c2","host":"10.0.0.2","port":6878}])";
  REQUIRE(run_until(world.loop, [&] { return world.directory.engines().size() == 1; }));
  CHECK(world.directory.find("c1"));

  // What it says in trouble takes nothing away.
  for (const auto& [code, text] : {std::pair{500, "[]"}, {200, "{}"}, {302, "[]"}}) {
    status = code;
    body = text;
    const auto asked = orchestrator.asked("/api/engines");
    REQUIRE(run_until(world.loop, [&] { return orchestrator.asked("/api/engines") > asked + 2; }));
    CHECK(world.listed() == "c2@10.0.0.2:6878/3 ");
  }
  status = 200;
  body = "[]";
  REQUIRE(run_until(world.loop, [&] { return world.directory.engines().empty(); }));
  watch.stop();
}

TEST_CASE("every address of a name is an engine", "[engine_sources]") {
  World world;
  ace::engines::EngineAddress local;
  local.host = "localhost";
  local.port = 6878;
  local.forwarded = true;
  local.max_streams = 2;
  ace::engines::EngineAddress nobody;
  nobody.host = "nobody.invalid";
  nobody.port = 6878;
  DnsWatch watch{world.parts(), {nobody, local}, 20ms};
  REQUIRE(run_until(world.loop, [&] { return !world.directory.engines().empty(); }));
  CHECK_THAT(world.listed(), Catch::Contains("127.0.0.1:6878@127.0.0.1:6878+/2 "));
  for (const auto& known : world.directory.known()) CHECK(known.source == EngineSource::Dns);
  watch.stop();
}
