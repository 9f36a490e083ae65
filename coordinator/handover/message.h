#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/handover/passenger.h"
#include "coordinator/host/scoreboard.h"
#include "shared/base/result.h"

namespace ace::handover {

/// The steps of one hand-over. Only Offer carries anything: all others tell that the hand-over's
/// entry in host::TransferBoard has changed, which decides whose the item is.
enum class Step : std::uint8_t {
  Offer = 1,     ///< sender: take this item; the client's or the engine's socket comes along
  Accepted = 2,  ///< receiver: it holds the item and has counted the client
  Refused = 3,   ///< receiver: it does not take the item
  Go = 4,        ///< sender: the hand-over is committed; only now may the receiver use the socket
  Cancel = 5,    ///< sender: it keeps what the receiver had accepted
};

/// One message between two workers of a host. The two may be of different binaries, while one
/// replaces the other: of a foreign version nothing is read but up to `transfer`, which never
/// changes its place, and offers are refused in the version in which they came. What is too large
/// for a message (what is owed to a client, an estate) goes along as a memory file.
struct Message {
  static constexpr std::uint8_t kVersion = 6;

  std::uint8_t version{kVersion};
  Step step{};
  host::WorkerRef from{};
  host::WorkerRef to{};                ///< a worker that took over the slot since then must refuse
  std::uint64_t transfer{};            ///< as TransferBoard::begin() numbered it
  std::uint8_t hops{};                 ///< Offer: how often this client was handed on before
  std::string peer{};                  ///< Offer: the client's address, for logs and records
  std::string request{};               ///< Offer: what was read of the request, from its first byte
  std::optional<Watching> watching{};  ///< Offer: instead of the request, where the client stands
  proto::http::RequestTrace trace{};   ///< Offer: for logs
  bool is_estate{};                    ///< Offer: instead of a client, a stream with its engine

  [[nodiscard]] bool is_ours() const { return version == kVersion; }
};

[[nodiscard]] std::string encode(const Message& message);
/// Protocol: cut short, or junk.
[[nodiscard]] Result<Message> decode(std::string_view bytes);

}  // namespace ace::handover
