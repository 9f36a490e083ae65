#include "workers/engines/engine_directory.h"

#include <algorithm>

namespace ace::engines {

const EngineAddress* EngineDirectory::find(std::string_view id) const {
  const auto found = std::find_if(engines_.begin(), engines_.end(),
                                  [id](const auto& engine) { return engine.id() == id; });
  return found == engines_.end() ? nullptr : &*found;
}

}  // namespace ace::engines
