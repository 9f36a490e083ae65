#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "coordinator/host/engine_table.h"
#include "coordinator/ownership/event_bus.h"
#include "proto/engine/engine_list.h"
#include "shared/redis/client.h"
#include "workers/engines/engine_directory.h"

namespace ace::engines {

/// The engines that people added while the proxy runs, and those that they drain. They stand in
/// Redis, for all workers of all hosts; while it is away, what was read last stands. A Redis that
/// lost its memory is told again.
class RuntimeEngines {
 public:
  /// What it works with; everything outlives it.
  struct Parts {
    loop::TimerFactory& timers;
    redis::Commands& commands;
    ownership::EventBus& events;
    EngineDirectory& directory;
    host::EngineTable& table;
    const Clock& clock;
  };

  /// `max_streams`: of an engine that was added without.
  RuntimeEngines(Parts parts, std::uint32_t max_streams);
  RuntimeEngines(const RuntimeEngines&) = delete;
  RuntimeEngines& operator=(const RuntimeEngines&) = delete;

  /// Whether an engine may be called so: some names in Redis' list are the list's own.
  [[nodiscard]] static bool is_engine_id(std::string_view id) { return !id.starts_with('#'); }

  using Done = std::function<void(Status)>;
  /// Adds the engine, or replaces the one of its id. Unavailable while there is no Redis. Called
  /// back once, never from inside; this worker knows the engine by then, the others a moment later.
  void add(const proto::engine::ListedEngine& engine, Done done);
  /// NotFound when none of that id was added.
  void remove(const std::string& id, Done done);
  enum class Drain { Begin, End };
  /// Whether the engine, of whatever source, may be given streams. Without Redis this host alone
  /// knows it, and Redis is told when it is back. Called back once, never from inside.
  void drain(const std::string& id, Drain how, std::function<void()> done);
  /// Reads what stands in Redis now.
  void refresh();
  void stop();

 private:
  /// id → JSON, and `#drain:` id → "1", as in Redis
  using Engines = std::map<std::string, std::string>;

  void on_read(const Result<redis::Reply>& reply);
  void restore();
  void take(Engines engines);
  void touch();
  void tell_drain(const std::string& id, Drain how, std::function<void()> done);
  void mark_draining();

  Parts parts_;
  std::uint32_t max_streams_;
  Engines engines_;
  std::map<std::string, Drain> owed_drains_;  ///< Redis has not confirmed them
  std::unique_ptr<loop::Timer> timer_;
  std::shared_ptr<RuntimeEngines*> alive_;
};

}  // namespace ace::engines
