#include "coordinator/handover/handover.h"

#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <set>
#include <vector>

#include "shared/log/log.h"
#include "shared/os/memory_file.h"

namespace ace::handover {
namespace {

/// Messages read in one go, so that a flood of hand-overs cannot starve the viewers' sockets.
constexpr int kBatch = 32;

constexpr std::chrono::milliseconds kResendAfter{5};

bool is_stream_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return ::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

bool is_busy(const Status& sent) { return !sent && sent.error().code == Errc::Busy; }

}  // namespace

Handover::Handover(loop::Loop& loop, loop::TimerFactory& timers, host::HostMemory& host,
                   host::WorkerRef self, Listener& listener)
    : timers_{timers},
      host_{host},
      transfers_{host.transfers()},
      self_{self},
      listener_{listener},
      inbox_watcher_{loop, host.inbox(self.slot).receive.get(),
                     [this](loop::FdEvents) { (void)read_inbox(); }},
      resend_{timers.make()} {
  inbox_watcher_.watch(true, false);
}

void Handover::count_on_its_way(host::WorkerRef to) {
  ++host_.scoreboard().slots[self_.slot].placing[to.slot];
}

std::size_t Handover::room(host::WorkerRef to) const {
  const auto unanswered = std::count_if(offered_.begin(), offered_.end(), [&](const auto& entry) {
    return entry.second.to == to && entry.second.passenger.watching;
  });
  return kMostUnanswered - std::min(kMostUnanswered, static_cast<std::size_t>(unanswered));
}

void Handover::offer(host::WorkerRef to, Passenger passenger) {
  const auto begun = transfers_.begin(host_.scoreboard(), self_.slot, to);
  const std::uint64_t transfer = begun ? *begun : ++last_unbegun_;
  auto& offered = offered_[transfer];
  offered = {.to = to, .passenger = std::move(passenger), .patience = timers_.make()};
  // A failed offer returns through the loop: never before offer() has.
  auto patience = offered.passenger.estate ? kEstatePatience : kPatience;
  if (!begun || !send_offer(transfer, offered)) patience = std::chrono::milliseconds{0};
  offered.patience->once(patience, [this, transfer] { on_unanswered(transfer); });
}

void Handover::on_unanswered(std::uint64_t transfer) {
  const auto found = offered_.find(transfer);
  if (found == offered_.end()) return;
  // The receiver may have accepted, and its answer has not been read yet.
  const bool may_be_accepted = !transfers_.take_back(self_.slot, transfer);
  if (may_be_accepted && state_of(transfer) == host::TransferState::Accepted) {
    return on_accepted(transfer);
  }
  log::warn("handover_unanswered", "to_slot={}", found->second.to.slot);
  take_back(transfer);
}

Status Handover::send_offer(std::uint64_t transfer, const Offered& offered) {
  const auto& passenger = offered.passenger;
  const auto bytes = encode({.step = Step::Offer,
                             .from = self_,
                             .to = offered.to,
                             .transfer = transfer,
                             .hops = passenger.hops,
                             .peer = passenger.peer,
                             .request = passenger.request,
                             .watching = passenger.watching,
                             .trace = passenger.trace,
                             .is_estate = passenger.estate != nullptr});
  if (bytes.size() > host::kMaxInboxMessage) return fail(Errc::TooLarge, "an offer");
  UniqueFd attachment;
  if (passenger.estate || (passenger.watching && !passenger.watching->owed.empty())) {
    const auto owed = passenger.estate ? ByteSpan{} : as_bytes(passenger.watching->owed);
    auto packed = passenger.estate ? pack(*passenger.estate) : os::make_memory_file({&owed, 1});
    if (!packed) return fail(packed.error());
    attachment = std::move(*packed);
  }
  return send_to_inbox(host_.inbox(offered.to.slot), bytes, passenger.socket.get(),
                       attachment.get());
}

void Handover::on_worker_died() {
  // All of it: a dead sender's cancel may still be in the inbox, and an offer that is read later
  // would wait for a word that nobody says any more.
  while (!read_inbox()) {
  }
  std::vector<BoardingKey> orphans;
  for (const auto& [key, passenger] : boarding_) {
    if (!host_.scoreboard().is_alive(key.first)) orphans.push_back(key);
  }
  for (const auto& key : orphans) commit(key);
  std::vector<std::uint64_t> refused;
  for (const auto& [transfer, offered] : offered_) {
    if (!host_.scoreboard().is_alive(offered.to)) refused.push_back(transfer);
  }
  for (const auto transfer : refused) take_back(transfer);
}

bool Handover::read_inbox() {
  for (int i = 0; i < kBatch; ++i) {
    auto received = receive_from_inbox(host_.inbox(self_.slot));
    if (!received) {
      log::error("inbox_failed", "{}", received.error().text);
      return true;
    }
    if (!received->has_value()) return true;
    auto message = decode((*received)->bytes);
    if (!message) {
      log::warn("handover_message_dropped", "{}", message.error().text);
      continue;
    }
    on_message(std::move(*message), std::move((*received)->descriptor),
               std::move((*received)->attachment));
  }
  return false;
}

void Handover::on_message(Message message, UniqueFd socket, UniqueFd attachment) {
  if (message.from.slot >= host::kMaxSlots) return;
  const bool is_offer = message.step == Step::Offer;
  if (message.to != self_ || (is_offer && !message.is_ours())) {
    // For the slot's previous worker, which is dead, or of another binary: its sender takes the
    // client back.
    if (is_offer) send(Step::Refused, message.from, message.transfer, message.version);
    return;
  }
  switch (message.step) {
    case Step::Offer:
      on_offer(std::move(message), std::move(socket), std::move(attachment));
      return;
    case Step::Accepted:
      on_accepted(message.transfer);
      return;
    case Step::Refused:
      take_back(message.transfer);
      return;
    case Step::Go:
      commit({message.from, message.transfer});
      return;
    case Step::Cancel:
      drop({message.from, message.transfer});
      return;
  }
}

void Handover::on_offer(Message message, UniqueFd socket, UniqueFd attachment) {
  auto& me = host_.scoreboard().slots[self_.slot];
  const auto from = message.from;
  const auto transfer = message.transfer;
  const auto refuse = [this, from, transfer] {
    transfers_.refuse(from.slot, transfer);
    send(Step::Refused, from, transfer);
  };
  const bool may_come = socket && me.phase == host::WorkerPhase::Serving &&
                        (!message.watching || listener_.may_board(*message.watching));
  if (!may_come) return refuse();
  auto passenger = passenger_of(std::move(message), std::move(socket), std::move(attachment));
  if (!passenger) {
    log::warn("handover_refused", "why={:?}", passenger.error().text);
    return refuse();
  }
  if (!transfers_.accept(from.slot, transfer)) return;  // its sender has taken it back
  if (!passenger->estate) {
    ++me.clients;
    // Here, not when the sender reads the answer: a sender that is busy accepting would see its
    // clients twice meanwhile, take us for full and keep all others.
    host::OwnershipTable::counted_elsewhere(host_.scoreboard(), from, self_);
  }
  boarding_[{from, transfer}] = std::move(*passenger);
  send(Step::Accepted, from, transfer);
}

Result<Passenger> Handover::passenger_of(Message message, UniqueFd socket, UniqueFd attachment) {
  // What is no socket cannot be polled, and libuv ends the process of who tries.
  if (!is_stream_socket(socket.get())) return fail(Errc::Protocol, "the descriptor is no socket");
  Passenger passenger{.socket = std::move(socket),
                      .peer = std::move(message.peer),
                      .request = std::move(message.request),
                      .hops = static_cast<std::uint8_t>(message.hops + 1),
                      .watching = std::move(message.watching),
                      .trace = std::move(message.trace)};
  // Of who is in the middle of a stream only refusals count: it can go from reload to reload.
  if (passenger.watching) passenger.hops = 0;
  if (message.is_estate) {
    auto estate = unpack(attachment.get());
    if (!estate) return fail(std::move(estate).error());
    passenger.estate = std::make_shared<const Estate>(std::move(*estate));
  } else if (attachment && passenger.watching) {
    const auto owed = os::MappedFile::open(attachment.get());
    if (!owed) return fail(owed.error().in("what is owed"));
    passenger.watching->owed = as_text(owed->bytes());
  }
  return passenger;
}

void Handover::on_accepted(std::uint64_t transfer) {
  const auto found = offered_.find(transfer);
  if (found == offered_.end() || state_of(transfer) != host::TransferState::Accepted) return;
  const auto to = found->second.to;
  auto passenger = std::move(offered_.extract(found).mapped().passenger);
  // A receiver that is dead took what it had accepted with it: only the sender still has it.
  const bool is_theirs = host_.scoreboard().is_alive(to) &&
                         (!passenger.estate || listener_.on_estate_accepted(*passenger.estate, to));
  if (is_theirs) {
    (void)transfers_.commit(self_.slot, transfer);
    return send(Step::Go, to, transfer);
  }
  (void)transfers_.take_back_accepted(self_.slot, transfer);
  send(Step::Cancel, to, transfer);
  come_back(std::move(passenger));
}

void Handover::take_back(std::uint64_t transfer) {
  auto node = offered_.extract(transfer);
  if (node.empty()) return;
  auto& [to, passenger, patience] = node.mapped();
  // A receiver that had accepted has counted the client, and is dead now.
  const bool was_counted_there = state_of(transfer) == host::TransferState::Accepted;
  (void)transfers_.take_back_accepted(self_.slot, transfer);
  if (!passenger.estate && !was_counted_there) {
    host::OwnershipTable::counted_elsewhere(host_.scoreboard(), self_, to);
  }
  come_back(std::move(passenger));
}

void Handover::come_back(Passenger passenger) {
  if (!passenger.estate) ++host_.scoreboard().slots[self_.slot].clients;
  if (passenger.hops < std::numeric_limits<std::uint8_t>::max()) ++passenger.hops;
  listener_.on_passenger(std::move(passenger));
}

void Handover::commit(const BoardingKey& key) {
  if (!transfers_.commit(key.first.slot, key.second)) return drop(key);
  transfers_.finish(key.first.slot, key.second);
  auto node = boarding_.extract(key);
  if (node.empty()) return;
  listener_.on_passenger(std::move(node.mapped()));
}

void Handover::drop(const BoardingKey& key) {
  const auto node = boarding_.extract(key);
  if (!node.empty() && !node.mapped().estate) --host_.scoreboard().slots[self_.slot].clients;
}

void Handover::send(Step step, host::WorkerRef to, std::uint64_t transfer, std::uint8_t version) {
  waiting_.push_back(
      {.to = to,
       .bytes = encode(
           {.version = version, .step = step, .from = self_, .to = to, .transfer = transfer})});
  send_waiting();
}

void Handover::send_waiting() {
  // A worker that hangs holds up what is for it, in order, and nobody else's.
  std::set<std::uint32_t> full;
  std::deque<Outgoing> later;
  for (auto& next : waiting_) {
    const bool must_wait = full.contains(next.to.slot) ||
                           (host_.scoreboard().is_alive(next.to) &&
                            is_busy(send_to_inbox(host_.inbox(next.to.slot), next.bytes, -1)));
    if (!must_wait) continue;
    full.insert(next.to.slot);
    later.push_back(std::move(next));
  }
  waiting_ = std::move(later);
  if (!waiting_.empty()) resend_->once(kResendAfter, [this] { send_waiting(); });
}

}  // namespace ace::handover
