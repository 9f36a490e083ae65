#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/handover/passenger.h"
#include "coordinator/host/scoreboard.h"
#include "shared/base/result.h"

namespace ace::handover {

/// The steps of one hand-over, in order. Offer carries the client's socket.
enum class Step : std::uint8_t {
  Offer = 1,     ///< sender: take this client
  Accepted = 2,  ///< receiver: I hold the socket and have counted the client
  Refused = 3,   ///< receiver: I do not take it
  Go = 4,        ///< sender: it is yours, I have let go of it; only now may the receiver write
  Cancel = 5,    ///< sender: too late, I serve it myself; drop the socket
};

/// One message between two workers of a host. The two may be of different binaries, while one
/// replaces the other: of a foreign version nothing is read but up to `transfer`, which never
/// changes its place, and offers are refused in the version in which they came. What is too large
/// for a message (what is owed to a client, an estate) goes along as a memory file.
struct Message {
  static constexpr std::uint8_t kVersion = 5;

  std::uint8_t version{kVersion};
  Step step{};
  host::WorkerRef from{};
  host::WorkerRef to{};                ///< a worker that took over the slot since then must refuse
  std::uint64_t transfer{};            ///< unique among the sender's
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
