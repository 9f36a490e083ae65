#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "coordinator/host/scoreboard.h"

namespace ace::host {

/// A worker that may be given a client, and what it holds: clients of its own and those on their
/// way to it.
struct WorkerLoad {
  WorkerRef worker;
  std::uint32_t clients{};
};

/// Clients that a stream's owner may hold before new ones are spread: a follower costs Redis reads,
/// so a few viewers stay together; from 100 clients on nobody is given more than 1.15 x the
/// mean. The promise is 1.25 x; the rest is room for clients that leave unevenly: with 1.2 x,
/// coming and going alone brings one above it.
[[nodiscard]] std::uint32_t owner_share(std::uint32_t total_clients, std::size_t workers);

/// Where the next client of a stream goes: to its owner while that one holds less than its share,
/// else to the least loaded worker; among equals to `self`, who needs no hand-over, then to the
/// lowest slot. `candidates` is not empty.
[[nodiscard]] WorkerRef place(std::optional<WorkerRef> owner, WorkerRef self,
                              std::span<const WorkerLoad> candidates);

}  // namespace ace::host
