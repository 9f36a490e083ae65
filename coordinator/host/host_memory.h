#pragma once

#include <array>
#include <memory>

#include "coordinator/host/engine_table.h"
#include "coordinator/host/inbox.h"
#include "coordinator/host/order_board.h"
#include "coordinator/host/ownership_table.h"
#include "coordinator/host/scoreboard.h"

namespace ace::host {

/// What all processes of this host share: made by the supervisor before the first fork, inherited
/// by every worker. Needs no libuv, curl or hiredis.
class HostMemory {
 public:
  /// System when the kernel grants no shared mapping or sockets.
  [[nodiscard]] static Result<std::unique_ptr<HostMemory>> create();
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  [[nodiscard]] Scoreboard& scoreboard();
  [[nodiscard]] OwnershipTable& ownership();
  [[nodiscard]] EngineTable& engines();
  [[nodiscard]] OrderBoard& orders();
  [[nodiscard]] const InboxSockets& inbox(std::uint32_t slot) const { return inboxes_[slot]; }

 private:
  struct Shared;
  explicit HostMemory(Shared* shared) : shared_{shared} {}

  Shared* shared_;
  std::array<InboxSockets, kMaxSlots> inboxes_;
};

}  // namespace ace::host
