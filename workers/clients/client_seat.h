#pragma once

#include <utility>

#include "coordinator/host/scoreboard.h"

namespace ace::clients {

/// One client counted in this worker's `clients` on the scoreboard, for as long as it lives.
/// Placement (OwnershipTable::place, Handover) counts; the seat takes that over and gives it back.
class ClientSeat {
 public:
  ClientSeat() = default;
  explicit ClientSeat(host::SlotBoard& board) : board_{&board} {}
  ~ClientSeat() { leave(); }
  ClientSeat(ClientSeat&& other) noexcept : board_{std::exchange(other.board_, nullptr)} {}
  ClientSeat& operator=(ClientSeat&& other) noexcept {
    if (this != &other) {
      leave();
      board_ = std::exchange(other.board_, nullptr);
    }
    return *this;
  }
  ClientSeat(const ClientSeat&) = delete;
  ClientSeat& operator=(const ClientSeat&) = delete;

 private:
  void leave() {
    if (board_ != nullptr) --std::exchange(board_, nullptr)->clients;
  }

  host::SlotBoard* board_{};
};

}  // namespace ace::clients
