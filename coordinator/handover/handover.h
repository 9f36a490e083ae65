#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>

#include "coordinator/handover/message.h"
#include "coordinator/handover/passenger.h"
#include "coordinator/host/host_memory.h"
#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "shared/loop/timer.h"

namespace ace::handover {

/// Hands client sockets to other workers of this host and takes theirs: the one mechanism behind
/// balance and, without Redis, behind one engine session a stream. While a worker is replaced, its
/// streams pass in the same way, with their engines' sockets.
///
/// offer → accepted → go. The sender keeps a duplicate of the socket, and does not use it, until
/// the hand-over is decided; the receiver uses the socket only after the commit. The hand-over's
/// entry in host::TransferBoard decides whose the item is, the messages only announce a change of
/// it:
///  - An offer that the receiver has not read within the sender's patience is taken back. A
///  receiver that
///    reads it later finds that out from the board and drops the item.
///  - If the sender dies, the receiver commits what it has accepted, and accepts what it reads
///  later. It
///    drops what the sender had taken back, whether or not the sender still could say so.
///  - If the receiver dies before the commit, the sender takes the item back.
/// A client is counted once at any time: in the sender's `placing` until it is accepted, in the
/// receiver's `clients` from then on.
class Handover {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// The passenger is this worker's, and (unless it is an estate) already counted in its
    /// `clients`: another worker has handed it over, or did not take it from this one.
    virtual void on_passenger(Passenger passenger) = 0;
    /// Whether a client in the middle of its stream can go on here.
    [[nodiscard]] virtual bool may_board(const Watching& watching) = 0;
    /// The heir holds the estate, and the stream becomes its own from within this call. False: it
    /// stays here after all, and comes back; the heir drops it.
    [[nodiscard]] virtual bool on_estate_accepted(const Estate& estate, host::WorkerRef heir) = 0;
  };

  /// How long an offer waits for its answer before the sender serves the client itself.
  static constexpr std::chrono::milliseconds kPatience{300};
  /// The same for an estate: megabytes are copied on both sides, and its viewers have a burst.
  static constexpr std::chrono::milliseconds kEstatePatience{1'500};

  /// Clients in the middle of a stream that may wait for one worker's answer at once. While they
  /// wait nobody serves them, so a receiver that stands still must not hold all of a stream's
  /// viewers.
  static constexpr std::size_t kMostUnanswered = 128;

  Handover(loop::Loop& loop, loop::TimerFactory& timers, host::HostMemory& host,
           host::WorkerRef self, Listener& listener);
  Handover(const Handover&) = delete;
  Handover& operator=(const Handover&) = delete;

  /// A client is counted as on its way already: by OwnershipTable::place(), which chose `to`,
  /// or by count_on_its_way(). When the other worker does not take it, it boards here.
  void offer(host::WorkerRef to, Passenger passenger);
  void count_on_its_way(host::WorkerRef to);
  /// How many clients in the middle of a stream may be offered to this worker now.
  [[nodiscard]] std::size_t room(host::WorkerRef to) const;

  /// A worker of this host has died: what it had offered goes on here, what was offered to it
  /// returns.
  void on_worker_died();

  /// Clients between two workers just now, in either direction, and answers about them that are
  /// still to be sent.
  [[nodiscard]] std::size_t in_flight() const {
    return offered_.size() + boarding_.size() + waiting_.size();
  }

 private:
  struct Offered {
    host::WorkerRef to;
    Passenger passenger;
    std::unique_ptr<loop::Timer> patience;
  };
  using BoardingKey = std::pair<host::WorkerRef, std::uint64_t>;
  struct Outgoing {
    host::WorkerRef to;
    std::string bytes;
  };

  /// False: there may be more.
  bool read_inbox();
  void on_message(Message message, UniqueFd socket, UniqueFd attachment);
  [[nodiscard]] Status send_offer(std::uint64_t transfer, const Offered& offered);
  void on_offer(Message message, UniqueFd socket, UniqueFd attachment);
  [[nodiscard]] Result<Passenger> passenger_of(Message message, UniqueFd socket,
                                               UniqueFd attachment);
  [[nodiscard]] host::TransferState state_of(std::uint64_t transfer) const {
    return transfers_.state_of(self_.slot, transfer);
  }
  void on_unanswered(std::uint64_t transfer);
  void on_accepted(std::uint64_t transfer);
  void take_back(std::uint64_t transfer);
  void come_back(Passenger passenger);
  void commit(const BoardingKey& key);
  void drop(const BoardingKey& key);
  void send(Step step, host::WorkerRef to, std::uint64_t transfer,
            std::uint8_t version = Message::kVersion);
  void send_waiting();

  loop::TimerFactory& timers_;
  host::HostMemory& host_;
  host::TransferBoard& transfers_;
  host::WorkerRef self_;
  Listener& listener_;
  loop::FdWatcher inbox_watcher_;
  std::unique_ptr<loop::Timer> resend_;
  /// Numbers offers that found no entry on the board free; above all that the board gives.
  std::uint64_t last_unbegun_{host::TransferBoard::kNumbers};
  std::unordered_map<std::uint64_t, Offered> offered_;
  std::map<BoardingKey, Passenger> boarding_;  ///< accepted, and not committed
  /// Answers that a full inbox did not take yet; without them a client would be held for ever.
  std::deque<Outgoing> waiting_;
};

}  // namespace ace::handover
