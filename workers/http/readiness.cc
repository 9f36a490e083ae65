#include "workers/http/readiness.h"

#include <fmt/format.h>

#include <optional>

namespace ace::http {
namespace {

std::optional<Unreadiness> engine_trouble(std::span<const engines::EngineReport> engines) {
  std::size_t listed = 0;
  std::size_t draining = 0;
  std::size_t unhealthy = 0;
  std::size_t unknown = 0;
  for (const auto& report : engines) {
    if (!report.engine.is_listed) continue;
    ++listed;
    const auto most = report.engine.address.max_streams;
    if (report.state.is_draining) {
      ++draining;
    } else if (report.state.health == host::EngineHealth::Unhealthy) {
      ++unhealthy;
    } else if (report.state.health == host::EngineHealth::Unknown) {
      ++unknown;
    } else if (most == 0 || report.streams < most) {
      return std::nullopt;
    }
  }
  if (listed == 0) return Unreadiness{"no_engine", "no engine is known"};
  if (draining == listed) return Unreadiness{"engines_draining", "every engine is being drained"};
  if (unknown > 0 && draining + unhealthy + unknown == listed) {
    return Unreadiness{"no_engine", fmt::format("of {} engines none has answered yet", listed)};
  }
  if (draining + unhealthy == listed) {
    return Unreadiness{"no_healthy_engine",
                       fmt::format("of {} engines {} do not answer and {} are being drained",
                                   listed, unhealthy, draining)};
  }
  return Unreadiness{
      "engines_full",
      fmt::format("of {} engines {} are full, {} do not answer and {} are being drained", listed,
                  listed - unhealthy - draining, unhealthy, draining)};
}

}  // namespace

std::vector<Unreadiness> unreadiness(const ReadinessFacts& facts) {
  std::vector<Unreadiness> reasons;
  if (facts.phase != host::WorkerPhase::Serving) {
    reasons.push_back({"stopping", "this worker takes no new clients"});
  }
  if (facts.fullness) reasons.push_back(*facts.fullness);
  if (auto trouble = engine_trouble(facts.engines)) reasons.push_back(std::move(*trouble));
  return reasons;
}

}  // namespace ace::http
