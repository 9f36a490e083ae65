#pragma once

#include "workers/engines/dns_watch.h"
#include "workers/engines/engine_directory.h"
#include "workers/engines/health_watch.h"
#include "workers/engines/orchestrator_watch.h"
#include "workers/engines/runtime_engines.h"
#include "workers/engines/shared_selector.h"

namespace ace::engines {

struct RegistryOptions {
  std::vector<EngineAddress> engines;  ///< of the settings
  std::vector<EngineAddress> names;    ///< each for all addresses of its host
  std::string orchestrator_url;
  std::chrono::milliseconds refresh{30'000};  ///< of names, and of what the orchestrator says
  std::uint32_t max_streams{};                ///< of engines that set none
  SelectionTiming selection;
  HealthTiming health;
};

/// An engine as people see it.
struct EngineReport {
  KnownEngine engine;
  host::EngineState state;
  std::size_t streams{};  ///< over all hosts; without Redis over this one
};

/// All that one worker knows and asks about engines, wired together.
class EngineRegistry {
 public:
  /// What it works with; everything outlives it.
  struct Parts {
    loop::Loop& loop;
    loop::TimerFactory& timers;
    const Clock& clock;
    redis::Commands& commands;
    ownership::EventBus& events;
    curl::Multi& curl;
    host::HostMemory& host;
    host::WorkerRef self;
  };

  EngineRegistry(Parts parts, RegistryOptions options);
  EngineRegistry(const EngineRegistry&) = delete;
  EngineRegistry& operator=(const EngineRegistry&) = delete;

  [[nodiscard]] const EngineDirectory& directory() const { return directory_; }
  [[nodiscard]] EngineSelector& selector() { return selector_; }
  [[nodiscard]] RuntimeEngines& runtime() { return runtime_; }

  /// Every engine that is listed or still plays. Called back once, never from inside this call.
  void report(std::function<void(std::vector<EngineReport>)> callback);
  /// The same at once, with this host's streams alone; those that left included.
  [[nodiscard]] std::vector<EngineReport> report_of_host() const;
  void on_redis_up() { runtime_.refresh(); }
  /// The worker ends: nothing is asked any more.
  void stop();

 private:
  void look_who_answers();

  Parts parts_;
  EngineDirectory directory_;
  std::unique_ptr<loop::Timer> identities_;
  SharedSelector selector_;
  HealthWatch health_;
  DnsWatch names_;
  OrchestratorWatch orchestrator_;
  RuntimeEngines runtime_;
};

}  // namespace ace::engines
