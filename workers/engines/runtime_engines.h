#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "coordinator/ownership/event_bus.h"
#include "proto/engine/engine_list.h"
#include "shared/redis/client.h"
#include "workers/engines/engine_directory.h"

namespace ace::engines {

/// The engines that people added while the proxy runs. They stand in Redis, for all workers of all
/// hosts; while it is away, what was read last stands. A Redis that lost its memory is told again.
class RuntimeEngines {
 public:
  /// What it works with; everything outlives it.
  struct Parts {
    loop::TimerFactory& timers;
    redis::Commands& commands;
    ownership::EventBus& events;
    EngineDirectory& directory;
  };

  /// `max_streams`: of an engine that was added without.
  RuntimeEngines(Parts parts, std::uint32_t max_streams);
  RuntimeEngines(const RuntimeEngines&) = delete;
  RuntimeEngines& operator=(const RuntimeEngines&) = delete;

  using Done = std::function<void(Status)>;
  /// Adds the engine, or replaces the one of its id. Unavailable while there is no Redis. Called
  /// back once, never from inside; this worker knows the engine by then, the others a moment later.
  void add(const proto::engine::ListedEngine& engine, Done done);
  /// NotFound when none of that id was added.
  void remove(const std::string& id, Done done);
  /// Reads what stands in Redis now.
  void refresh();
  void stop();

 private:
  using Engines = std::map<std::string, std::string>;  ///< id → JSON, as in Redis

  void on_read(const Result<redis::Reply>& reply);
  void restore();
  void take(Engines engines);
  void touch();

  Parts parts_;
  std::uint32_t max_streams_;
  Engines engines_;
  std::unique_ptr<loop::Timer> timer_;
  std::shared_ptr<RuntimeEngines*> alive_;
};

}  // namespace ace::engines
