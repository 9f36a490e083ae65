#include "workers/engines/engine_registry.h"

#include <algorithm>
#include <utility>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"

namespace ace::engines {
namespace {

/// How often a worker looks what the one that asks the engines has found out.
constexpr std::chrono::milliseconds kLookEvery{250};

const redis::Script& loads_script() {
  static const redis::Script script{proto::kEngineLoadsScript};
  return script;
}

/// Those that left are news only while somebody watches what they play.
std::vector<EngineReport> without_idle_past(std::vector<EngineReport> reports) {
  std::erase_if(reports, [](const auto& report) {
    const auto& engine = report.engine;
    return !engine.is_listed && engine.same_as.empty() && report.streams == 0;
  });
  return reports;
}

}  // namespace

EngineRegistry::EngineRegistry(Parts parts, RegistryOptions options)
    : parts_{parts},
      directory_{std::move(options.engines)},
      identities_{parts.timers.make()},
      selector_{{.loop = parts.loop,
                 .timers = parts.timers,
                 .clock = parts.clock,
                 .commands = parts.commands,
                 .host = parts.host,
                 .self = parts.self,
                 .directory = directory_},
                options.selection},
      health_{{.curl = parts.curl,
               .timers = parts.timers,
               .clock = parts.clock,
               .host = parts.host,
               .self = parts.self,
               .directory = directory_},
              options.health},
      names_{{.loop = parts.loop,
              .timers = parts.timers,
              .clock = parts.clock,
              .table = parts.host.engines(),
              .directory = directory_},
             std::move(options.names),
             options.refresh},
      orchestrator_{parts.curl,          parts.timers,   directory_, options.orchestrator_url,
                    options.max_streams, options.refresh},
      runtime_{{.timers = parts.timers,
                .commands = parts.commands,
                .events = parts.events,
                .directory = directory_,
                .table = parts.host.engines(),
                .clock = parts.clock},
               options.max_streams} {
  identities_->every(kLookEvery, [this] { look_who_answers(); });
}

void EngineRegistry::look_who_answers() {
  EngineIdentities identities;
  const auto now = parts_.clock.now();
  for (const auto& known : directory_.known()) {
    const auto id = known.address.id();
    auto state = parts_.host.engines().state_of(id, now);
    if (state.endpoint.empty()) continue;
    identities[id] = {.endpoint = std::move(state.endpoint), .device = std::move(state.device)};
  }
  directory_.set_identities(std::move(identities));
}

void EngineRegistry::stop() {
  identities_->stop();
  health_.stop();
  names_.stop();
  orchestrator_.stop();
  runtime_.stop();
}

std::vector<EngineReport> EngineRegistry::report_of_host() const {
  std::vector<EngineReport> reports;
  std::vector<host::EngineBid> loads;
  const auto now = parts_.clock.now();
  for (const auto& known : directory_.known()) {
    const auto id = known.address.id();
    if (!known.same_as.empty()) {
      // Those on it are the other one's load as well.
      const auto other = std::ranges::find(loads, known.same_as, &host::EngineBid::id);
      if (other != loads.end()) other->other_names.push_back(id);
    }
    reports.push_back({.engine = known, .state = parts_.host.engines().state_of(id, now)});
    loads.push_back({.id = id});
  }
  host::count_loads(parts_.host.ownership(), parts_.host.scoreboard(), {}, loads);
  for (std::size_t i = 0; i < reports.size(); ++i) reports[i].streams = loads[i].load;
  return reports;
}

void EngineRegistry::report(std::function<void(std::vector<EngineReport>)> callback) {
  auto known = report_of_host();
  std::vector<std::string> args{proto::engine_prefix()};
  for (const auto& report : known) args.push_back(report.engine.address.id());
  parts_.commands.eval(loads_script(), {}, args,
                       [known = std::move(known),
                        callback = std::move(callback)](const Result<redis::Reply>& reply) {
                         auto reports = known;
                         for (std::size_t i = 0; reply && i < reports.size(); ++i) {
                           const auto load = ownership::count_at(*reply, i).value_or(0);
                           reports[i].streams = std::max<std::size_t>(reports[i].streams, load);
                         }
                         callback(without_idle_past(std::move(reports)));
                       });
}

}  // namespace ace::engines
