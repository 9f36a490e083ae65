#include "workers/http/readiness.h"

#include <catch2/catch.hpp>

using ace::engines::EngineReport;
using ace::host::EngineHealth;
using ace::host::WorkerPhase;
using ace::http::Unreadiness;

namespace {

EngineReport engine(EngineHealth health, std::size_t streams = 0, std::uint32_t most = 0) {
  EngineReport report;
  report.engine.is_listed = true;
  report.engine.address.max_streams = most;
  report.state.health = health;
  report.streams = streams;
  return report;
}

EngineReport drained() {
  auto report = engine(EngineHealth::Healthy);
  report.state.is_draining = true;
  return report;
}

EngineReport gone() {
  auto report = engine(EngineHealth::Healthy, 1);
  report.engine.is_listed = false;
  return report;
}

/// The codes of the reasons, in order.
std::vector<std::string> codes(const std::vector<EngineReport>& engines,
                               WorkerPhase phase = WorkerPhase::Serving,
                               const std::optional<Unreadiness>& fullness = std::nullopt) {
  std::vector<std::string> all;
  for (const auto& reason :
       ace::http::unreadiness({.phase = phase, .fullness = fullness, .engines = engines})) {
    CHECK_FALSE(reason.message.empty());
    all.push_back(reason.code);
  }
  return all;
}

using Codes = std::vector<std::string>;

}  // namespace

TEST_CASE("one engine with room is enough to be ready", "[readiness]") {
  CHECK(codes({engine(EngineHealth::Healthy)}).empty());
  CHECK(codes({engine(EngineHealth::Healthy, 2, 3)}).empty());
  CHECK(codes({engine(EngineHealth::Unhealthy), drained(), engine(EngineHealth::Healthy, 3, 3),
               engine(EngineHealth::Healthy)})
            .empty());
}

TEST_CASE("an engine that has just failed a session is tried", "[readiness]") {
  auto failed = engine(EngineHealth::Healthy);
  failed.state.has_just_failed = true;
  CHECK(codes({failed}).empty());
}

TEST_CASE("until an engine has answered there is no readiness", "[readiness]") {
  CHECK(codes({engine(EngineHealth::Unknown)}) == Codes{"no_engine"});
  CHECK(codes({engine(EngineHealth::Unknown), drained(), engine(EngineHealth::Unhealthy)}) ==
        Codes{"no_engine"});
  CHECK(codes({engine(EngineHealth::Unknown), engine(EngineHealth::Healthy)}).empty());
}

TEST_CASE("without an engine that could play, there is no readiness", "[readiness]") {
  CHECK(codes({}) == Codes{"no_engine"});
  CHECK(codes({gone()}) == Codes{"no_engine"});
  CHECK(codes({drained(), drained(), gone()}) == Codes{"engines_draining"});
  CHECK(codes({drained(), engine(EngineHealth::Unhealthy)}) == Codes{"no_healthy_engine"});
  CHECK(codes({engine(EngineHealth::Healthy, 3, 3)}) == Codes{"engines_full"});
  CHECK(codes({engine(EngineHealth::Healthy, 4, 3), engine(EngineHealth::Unhealthy)}) ==
        Codes{"engines_full"});
}

TEST_CASE("a worker that leaves is not ready, nor is a full host", "[readiness]") {
  const std::vector<EngineReport> engines{engine(EngineHealth::Healthy)};
  CHECK(codes(engines, WorkerPhase::Draining) == Codes{"stopping"});
  const Unreadiness full{"memory_short",
                         "this host has as many viewers as PROXY_MAX_CLIENTS allows"};
  CHECK(codes(engines, WorkerPhase::Serving, full) == Codes{"memory_short"});
  CHECK(codes({}, WorkerPhase::Draining, full) == Codes{"stopping", "memory_short", "no_engine"});
}
