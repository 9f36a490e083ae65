#include "workers/engines/engine_directory.h"

#include <fmt/format.h>

#include <algorithm>

namespace ace::engines {

Result<EngineDirectory> EngineDirectory::parse(std::span<const std::string> items) {
  EngineDirectory directory;
  for (const auto& item : items) {
    auto engine = EngineAddress::parse(item);
    if (!engine) return fail(std::move(engine).error());
    if (directory.find(engine->id()) != nullptr) {
      return fail(Errc::InvalidArgument, fmt::format("two engines are called {}", engine->id()));
    }
    directory.engines_.push_back(std::move(*engine));
  }
  return directory;
}

const EngineAddress* EngineDirectory::find(std::string_view id) const {
  const auto found = std::find_if(engines_.begin(), engines_.end(),
                                  [id](const auto& engine) { return engine.id() == id; });
  return found == engines_.end() ? nullptr : &*found;
}

}  // namespace ace::engines
