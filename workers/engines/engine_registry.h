#pragma once

#include "workers/engines/engine_directory.h"
#include "workers/engines/health_watch.h"
#include "workers/engines/shared_selector.h"

namespace ace::engines {

struct RegistryOptions {
  std::vector<EngineAddress> engines;  ///< of the settings
  SelectionTiming selection;
  HealthTiming health;
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
    curl::Multi& curl;
    host::HostMemory& host;
    host::WorkerRef self;
  };

  EngineRegistry(Parts parts, RegistryOptions options);
  EngineRegistry(const EngineRegistry&) = delete;
  EngineRegistry& operator=(const EngineRegistry&) = delete;

  [[nodiscard]] const EngineDirectory& directory() const { return directory_; }
  [[nodiscard]] EngineSelector& selector() { return selector_; }

  /// The worker ends: nothing is asked any more.
  void stop();

 private:
  EngineDirectory directory_;
  SharedSelector selector_;
  HealthWatch health_;
};

}  // namespace ace::engines
