#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "proto/ids.h"

namespace ace::host {

class OwnershipTable;
struct Scoreboard;

/// How fit an engine is to be given a stream. A worse one is taken only where no better one has
/// room: somebody waits, and a try costs little.
enum class EngineTier : std::uint8_t {
  Fit = 0,
  JustFailed = 1,
  Unhealthy = 2,
  Excluded = 3,  ///< by whoever asks, or being drained; never taken
};

/// One engine that may be chosen.
struct EngineBid {
  std::string id;
  std::vector<std::string> other_names{};  ///< ids under which the same engine is known
  bool is_forwarded{};
  std::uint32_t max_streams{};  ///< 0: no limit
  EngineTier tier{};
  std::size_t load{};                    ///< streams it runs, the asking one aside
  std::chrono::milliseconds settling{};  ///< until it may be given another one
};

enum class EnginePick : std::uint8_t {
  Chosen,  ///< `at` is the engine
  Wait,    ///< the best ones settle; ask again after `wait`
  None,    ///< all are full or excluded
};
struct EngineChoice {
  EnginePick pick{EnginePick::None};
  std::size_t at{};
  std::chrono::milliseconds wait{};
};

/// The seeds' order: fewest streams first, then those with a forwarded port, then as configured;
/// all of it among the fittest that have room. The script of redis_scripts.cc does the same.
[[nodiscard]] EngineChoice choose_engine(std::span<const EngineBid> bids);

/// Fills in each bid's load: living owners' streams of this host, but for `asker` itself, which
/// must be able to come back to the engine that it is on.
void count_loads(OwnershipTable& streams, const Scoreboard& board, const proto::StreamId& asker,
                 std::span<EngineBid> bids);

}  // namespace ace::host
