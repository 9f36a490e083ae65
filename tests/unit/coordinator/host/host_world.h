#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "coordinator/host/host_memory.h"

namespace ace::test {

inline proto::StreamId stream(int n) {
  auto digits = std::to_string(n);
  return *proto::StreamId::parse(std::string(40 - digits.size(), '0') + digits);
}

/// The memory of a host, and workers in it.
struct Host {
  Host() : memory{std::move(*host::HostMemory::create())} {}
  host::WorkerRef start(std::uint32_t slot) {
    const auto worker = board().open_slot(slot);
    board().slots[slot].phase = host::WorkerPhase::Serving;
    return worker;
  }
  host::Scoreboard& board() { return memory->scoreboard(); }
  host::OwnershipTable& table() { return memory->ownership(); }

  std::unique_ptr<host::HostMemory> memory;
};

}  // namespace ace::test
