#include "coordinator/host/engine_choice.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "coordinator/host/ownership_table.h"

namespace ace::host {

EngineChoice choose_engine(std::span<const EngineBid> bids) {
  const auto rank = [](const EngineBid& bid) {
    return std::tuple{bid.tier, bid.settling, bid.load, !bid.is_forwarded};
  };
  std::optional<std::size_t> best;
  for (std::size_t i = 0; i < bids.size(); ++i) {
    const auto& bid = bids[i];
    const bool is_full = bid.max_streams != 0 && bid.load >= bid.max_streams;
    if (is_full || bid.tier == EngineTier::Excluded) continue;
    if (!best || rank(bid) < rank(bids[*best])) best = i;
  }
  if (!best) return {};
  const auto wait = bids[*best].settling;
  const auto pick = wait.count() > 0 ? EnginePick::Wait : EnginePick::Chosen;
  return {.pick = pick, .at = *best, .wait = wait};
}

void count_loads(OwnershipTable& streams, const Scoreboard& board, const proto::StreamId& asker,
                 std::span<EngineBid> bids) {
  for (auto& bid : bids) bid.load = 0;
  streams.each_owned(board, [&](const OwnershipTable::Glance& stream) {
    if (stream.id == asker) return;
    for (auto& bid : bids) {
      const bool is_there =
          bid.id == stream.engine_id || std::ranges::count(bid.other_names, stream.engine_id) > 0;
      if (is_there) ++bid.load;
    }
  });
}

}  // namespace ace::host
