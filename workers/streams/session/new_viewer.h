#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "proto/ids.h"
#include "workers/clients/client_seat.h"
#include "workers/clients/client_session.h"
#include "workers/streams/session/stall.h"
#include "workers/streams/session/start_failure.h"

namespace ace::streams {

/// A client that wants to watch: its connection, and its place in the host's count.
struct NewViewer {
  std::unique_ptr<clients::ClientSession> session;
  clients::ClientSeat seat;
  /// Turns a failure into the whole error answer for this client (its version, its headers).
  std::function<std::string(const StartFailure&)> refusal{};
  std::string request{};  ///< as it was read, for another worker; not needed once it is answered
  std::uint8_t hops{};    ///< from worker to worker; in its stream: how often one refused it
  std::chrono::milliseconds delay{};  ///< behind live, as it wants it
  bool is_redirected{};               ///< it asked for the content by another name
  /// What it has got from another worker; it has no refusal and no request then.
  std::optional<proto::ChunkCursor> cursor{};
  std::optional<Stall> stall{};  ///< its last one, there
  bool has_missed{};             ///< and it cannot have what follows it: a jump is due
};

}  // namespace ace::streams
