#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "coordinator/host/scoreboard.h"

namespace ace::host {

/// How far one hand-over has come.
enum class TransferState : std::uint8_t {
  Free,       ///< no hand-over: never begun, taken back by its sender, or over
  Offered,    ///< the sender has let go of the item until somebody decides
  Accepted,   ///< the receiver holds the item, and does nothing with it yet
  Committed,  ///< the item is the receiver's
};

/// The one place that says whose an item is while it passes from worker to worker. Messages between
/// the two only say that it is worth looking here: an inbox may be full, its reader may stand
/// still, and either side may die at any moment. Each change is one compare-and-swap, so that of
/// two sides that decide at once one is told that it came second. A worker's entries outlive it:
/// the receivers settle them.
///
///   Free ── begin (sender) ──► Offered ── accept (receiver) ──► Accepted ── commit ──► Committed
///     ▲                           │                                │         (sender; if it   │
///     └──── take_back (sender), refuse (receiver) ────────────────┘       died, receiver)    │
///     └──── finish (receiver) ────────────────────────────────────────────────────────────────┘
///
/// Lives inside HostMemory, zero-initialised.
class TransferBoard {
 public:
  /// Hand-overs that one worker can have under way at once.
  static constexpr std::size_t kWindow = 512;

  /// All numbers of hand-overs are below this one. A number beyond it is that of no hand-over.
  static constexpr std::uint64_t kNumbers = std::uint64_t{1} << 62U;

  /// Sender only. The number of a new hand-over, in state Offered; unique among all hand-overs that
  /// workers of this slot ever began. Nothing: kWindow of them are under way.
  [[nodiscard]] std::optional<std::uint64_t> begin(const Scoreboard& board,
                                                   std::uint32_t sender_slot, WorkerRef to);

  /// Each of these: false where the hand-over is not in a state in which that may be done.
  [[nodiscard]] bool accept(std::uint32_t sender_slot, std::uint64_t transfer);
  bool refuse(std::uint32_t sender_slot, std::uint64_t transfer);
  /// By the receiver only after the sender's death. True as well where it is committed already.
  [[nodiscard]] bool commit(std::uint32_t sender_slot, std::uint64_t transfer);
  /// Out of Offered: the sender waits no longer.
  [[nodiscard]] bool take_back(std::uint32_t sender_slot, std::uint64_t transfer);
  /// Out of Offered or Accepted: the receiver is dead, or was told that the item stays.
  [[nodiscard]] bool take_back_accepted(std::uint32_t sender_slot, std::uint64_t transfer);
  /// Receiver only: it has taken the item out of a committed hand-over, or dropped one.
  void finish(std::uint32_t sender_slot, std::uint64_t transfer);

  /// Free also for one that is over.
  [[nodiscard]] TransferState state_of(std::uint32_t sender_slot, std::uint64_t transfer) const;

 private:
  struct Entry {
    std::atomic<std::uint64_t> word{};  ///< number and state
    std::atomic<std::uint64_t> to{};    ///< the receiver's slot and generation
  };
  struct Sender {
    std::atomic<std::uint64_t> last{};
    std::array<Entry, kWindow> entries{};
  };

  [[nodiscard]] bool change(std::uint32_t sender_slot, std::uint64_t transfer, TransferState from,
                            TransferState to);

  std::array<Sender, kMaxSlots> senders_{};
};

}  // namespace ace::host
