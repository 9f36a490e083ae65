#include "coordinator/host/transfer_board.h"

namespace ace::host {
namespace {

constexpr unsigned kStateBits = 2;

constexpr std::uint64_t word_of(std::uint64_t transfer, TransferState state) {
  return transfer << kStateBits | static_cast<std::uint64_t>(state);
}

constexpr TransferState state_in(std::uint64_t word) {
  return static_cast<TransferState>(word & ((1U << kStateBits) - 1));
}

constexpr std::uint64_t packed(WorkerRef worker) {
  return std::uint64_t{worker.slot} << 32U | worker.generation;
}

constexpr WorkerRef unpacked(std::uint64_t worker) {
  return {.slot = static_cast<std::uint32_t>(worker >> 32U),
          .generation = static_cast<std::uint32_t>(worker)};
}

}  // namespace

std::optional<std::uint64_t> TransferBoard::begin(const Scoreboard& board,
                                                  std::uint32_t sender_slot, WorkerRef to) {
  auto& sender = senders_[sender_slot];
  for (std::size_t tries = 0; tries < kWindow; ++tries) {
    const auto transfer = ++sender.last;
    auto& entry = sender.entries[transfer % kWindow];
    // What a dead receiver had, its sender has taken back or lost with it: nobody settles it any
    // more.
    if (state_in(entry.word) != TransferState::Free && board.is_alive(unpacked(entry.to))) continue;
    entry.to = packed(to);
    entry.word = word_of(transfer, TransferState::Offered);
    return transfer;
  }
  return std::nullopt;
}

bool TransferBoard::change(std::uint32_t sender_slot, std::uint64_t transfer, TransferState from,
                           TransferState to) {
  if (transfer >= kNumbers) return false;
  auto expected = word_of(transfer, from);
  return senders_[sender_slot].entries[transfer % kWindow].word.compare_exchange_strong(
      expected, word_of(transfer, to));
}

bool TransferBoard::accept(std::uint32_t sender_slot, std::uint64_t transfer) {
  return change(sender_slot, transfer, TransferState::Offered, TransferState::Accepted);
}

bool TransferBoard::refuse(std::uint32_t sender_slot, std::uint64_t transfer) {
  return change(sender_slot, transfer, TransferState::Offered, TransferState::Free);
}

bool TransferBoard::commit(std::uint32_t sender_slot, std::uint64_t transfer) {
  return change(sender_slot, transfer, TransferState::Accepted, TransferState::Committed) ||
         state_of(sender_slot, transfer) == TransferState::Committed;
}

bool TransferBoard::take_back(std::uint32_t sender_slot, std::uint64_t transfer) {
  return change(sender_slot, transfer, TransferState::Offered, TransferState::Free);
}

bool TransferBoard::take_back_accepted(std::uint32_t sender_slot, std::uint64_t transfer) {
  return take_back(sender_slot, transfer) ||
         change(sender_slot, transfer, TransferState::Accepted, TransferState::Free);
}

void TransferBoard::finish(std::uint32_t sender_slot, std::uint64_t transfer) {
  (void)change(sender_slot, transfer, TransferState::Committed, TransferState::Free);
}

TransferState TransferBoard::state_of(std::uint32_t sender_slot, std::uint64_t transfer) const {
  const std::uint64_t word = senders_[sender_slot].entries[transfer % kWindow].word;
  return word >> kStateBits == transfer ? state_in(word) : TransferState::Free;
}

}  // namespace ace::host
