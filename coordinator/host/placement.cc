#include "coordinator/host/placement.h"

#include <algorithm>
#include <numeric>

namespace ace::host {

std::uint32_t owner_share(std::uint32_t total_clients, std::size_t workers) {
  const auto n = static_cast<std::uint32_t>(std::max<std::size_t>(workers, 1));
  // Whole clients, rounded down: 1.15 x of the mean with the client that is being placed counted.
  const std::uint32_t fair = (total_clients + 1) * 23 / (20 * n);
  const std::uint32_t together = std::min<std::uint32_t>(8, 120 / n);
  return std::max({fair, together, 1U});
}

WorkerRef place(std::optional<WorkerRef> owner, WorkerRef self,
                std::span<const WorkerLoad> candidates) {
  const auto total =
      std::accumulate(candidates.begin(), candidates.end(), 0U,
                      [](std::uint32_t sum, const WorkerLoad& load) { return sum + load.clients; });
  if (owner) {
    const auto held = std::ranges::find(candidates, *owner, &WorkerLoad::worker);
    if (held != candidates.end() && held->clients < owner_share(total, candidates.size())) {
      return *owner;
    }
  }
  const auto before = [self](const WorkerLoad& a, const WorkerLoad& b) {
    if (a.clients != b.clients) return a.clients < b.clients;
    if ((a.worker == self) != (b.worker == self)) return a.worker == self;
    return a.worker.slot < b.worker.slot;
  };
  return std::ranges::min_element(candidates, before)->worker;
}

}  // namespace ace::host
