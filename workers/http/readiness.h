#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "coordinator/host/scoreboard.h"
#include "workers/engines/engine_registry.h"

namespace ace::http {

/// Why a stream that nobody watches yet would not be served here.
struct Unreadiness {
  std::string code;
  std::string message;
};

/// What readiness is judged by.
struct ReadinessFacts {
  host::WorkerPhase phase{};
  /// Why the host takes no more clients.
  std::optional<Unreadiness> fullness{};
  std::span<const engines::EngineReport> engines;
};

/// Empty: a viewer of a new stream would be given an engine that has answered and is believed to be
/// well. Agrees with the choice of engines, but for one thing: that tries others rather than none.
[[nodiscard]] std::vector<Unreadiness> unreadiness(const ReadinessFacts& facts);

}  // namespace ace::http
