#include "workers/engines/engine_registry.h"

#include <utility>

namespace ace::engines {

EngineRegistry::EngineRegistry(Parts parts, RegistryOptions options)
    : directory_{std::move(options.engines)},
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
              options.health} {}

void EngineRegistry::stop() { health_.stop(); }

}  // namespace ace::engines
