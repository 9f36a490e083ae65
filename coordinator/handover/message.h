#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/handover/passenger.h"
#include "coordinator/host/scoreboard.h"
#include "shared/base/result.h"

namespace ace::handover {

/// Of the messages between workers; a reader refuses others.
inline constexpr std::uint32_t kMessageVersion = 3;

/// The steps of one hand-over, in order. Offer carries the client's socket.
enum class Step : std::uint8_t {
  Offer = 1,     ///< sender: take this client
  Accepted = 2,  ///< receiver: I hold the socket and have counted the client
  Refused = 3,   ///< receiver: I do not take it
  Go = 4,        ///< sender: it is yours, I have let go of it; only now may the receiver write
  Cancel = 5,    ///< sender: too late, I serve it myself; drop the socket
};

/// One message between two workers of a host. Both run the same binary or neighbours of it, so the
/// format has a version and a reader refuses what it does not know.
struct Message {
  Step step{};
  host::WorkerRef from{};
  host::WorkerRef to{};                ///< a worker that took over the slot since then must refuse
  std::uint64_t transfer{};            ///< unique among the sender's
  std::uint8_t hops{};                 ///< Offer: how often this client was handed on before
  std::string peer{};                  ///< Offer: the client's address, for logs and records
  std::string request{};               ///< Offer: what was read of the request, from its first byte
  std::optional<Watching> watching{};  ///< Offer: instead of the request, where the client stands
  proto::http::RequestTrace trace{};   ///< Offer: for logs
};

[[nodiscard]] std::string encode(const Message& message);
/// Protocol: cut short, of another version, or junk.
[[nodiscard]] Result<Message> decode(std::string_view bytes);

}  // namespace ace::handover
