#pragma once

#include <array>
#include <memory>
#include <string>
#include <utility>

#include "coordinator/host/engine_table.h"
#include "coordinator/host/film_table.h"
#include "coordinator/host/inbox.h"
#include "coordinator/host/order_board.h"
#include "coordinator/host/ownership_table.h"
#include "coordinator/host/scoreboard.h"
#include "coordinator/host/transfer_board.h"

namespace ace::host {

/// What all processes of this host share: made by the supervisor before the first fork, inherited
/// by every worker, and by the program that the supervisor becomes when it is upgraded. Needs no
/// libuv, curl or hiredis.
class HostMemory {
 public:
  using Inboxes = std::array<InboxSockets, kMaxSlots>;

  /// System when the kernel grants no shared mapping or sockets.
  [[nodiscard]] static Result<std::unique_ptr<HostMemory>> create();
  /// That of a supervisor before, made by a program with the same layout().
  [[nodiscard]] static Result<std::unique_ptr<HostMemory>> adopt(UniqueFd memory, Inboxes inboxes);
  /// What two programs must have in common whose processes are to share this memory and its
  /// inboxes; one word.
  [[nodiscard]] static std::string layout();
  ~HostMemory();
  HostMemory(const HostMemory&) = delete;
  HostMemory& operator=(const HostMemory&) = delete;

  [[nodiscard]] Scoreboard& scoreboard();
  [[nodiscard]] OwnershipTable& ownership();
  [[nodiscard]] EngineTable& engines();
  [[nodiscard]] OrderBoard& orders();
  [[nodiscard]] FilmTable& films();
  [[nodiscard]] TransferBoard& transfers();
  [[nodiscard]] const InboxSockets& inbox(std::uint32_t slot) const { return inboxes_[slot]; }
  /// Close-on-exec, as are the inboxes.
  [[nodiscard]] int descriptor() const { return memory_.get(); }

 private:
  struct Shared;
  HostMemory(UniqueFd memory, void* shared, Inboxes inboxes)
      : memory_{std::move(memory)},
        shared_{static_cast<Shared*>(shared)},
        inboxes_{std::move(inboxes)} {}

  UniqueFd memory_;
  Shared* shared_;
  Inboxes inboxes_;
};

}  // namespace ace::host
