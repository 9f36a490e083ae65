#include "workers/engines/engine_selector.h"

#include <algorithm>
#include <tuple>

namespace ace::engines {

std::vector<const EngineAddress*> rank(std::span<const EngineAddress> engines, const LoadOf& load,
                                       const ExcludedEngines& excluded) {
  struct Candidate {
    std::size_t load;
    const EngineAddress* engine;
  };
  std::vector<Candidate> candidates;
  for (const auto& engine : engines) {
    if (excluded.find(engine.id()) != excluded.end()) continue;
    const auto streams = load(engine);
    const bool is_full = engine.max_streams != 0 && streams >= engine.max_streams;
    if (!is_full) candidates.push_back(Candidate{streams, &engine});
  }
  std::stable_sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
    return std::tuple{a.load, !a.engine->forwarded} < std::tuple{b.load, !b.engine->forwarded};
  });
  std::vector<const EngineAddress*> ranked;
  ranked.reserve(candidates.size());
  for (const auto& candidate : candidates) ranked.push_back(candidate.engine);
  return ranked;
}

const EngineAddress* select(std::span<const EngineAddress> engines, const LoadOf& load,
                            const ExcludedEngines& excluded) {
  const auto ranked = rank(engines, load, excluded);
  return ranked.empty() ? nullptr : ranked.front();
}

}  // namespace ace::engines
