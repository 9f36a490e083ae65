#pragma once

#include <cstddef>
#include <functional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "workers/engines/engine_address.h"

namespace ace::engines {

/// How many streams an engine runs now, over all workers and hosts. Asked once per engine.
using LoadOf = std::function<std::size_t(const EngineAddress&)>;
/// Engine ids to pass over: unhealthy, or just failed.
using ExcludedEngines = std::set<std::string, std::less<>>;

/// The engines that may take one more stream, best first: fewest streams, then those with a
/// forwarded port, then as configured. Full and excluded ones are left out. Points into `engines`.
[[nodiscard]] std::vector<const EngineAddress*> rank(std::span<const EngineAddress> engines,
                                                     const LoadOf& load,
                                                     const ExcludedEngines& excluded = {});

/// The best of them, or null when there is none.
[[nodiscard]] const EngineAddress* select(std::span<const EngineAddress> engines,
                                          const LoadOf& load, const ExcludedEngines& excluded = {});

}  // namespace ace::engines
