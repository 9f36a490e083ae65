#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/handover/estate.h"
#include "proto/http/request_trace.h"
#include "proto/http/response.h"
#include "proto/ids.h"
#include "shared/base/clock.h"
#include "shared/base/unique_fd.h"

namespace ace::handover {

/// A client in the middle of its answer.
struct Watching {
  proto::StreamId stream;
  proto::ChunkCursor cursor;  ///< what is owed included
  proto::http::BodyFraming framing{};
  proto::ClientId client;
  std::string agent;
  WallTime connected_at{};
  std::uint64_t bytes_sent{};
  std::uint64_t skips{};
  bool has_missed{};                ///< what lies behind the cursor is lost: a jump is due
  bool must_be_exact{};             ///< only to who has what lies there; else a jump will do
  std::chrono::nanoseconds hold{};  ///< what is younger is not for it yet
  std::string stall_cause{};        ///< of what it stood still for last; empty: it never did
  WallTime stalled_at{};
  std::chrono::milliseconds stall{};
  std::string owed{};  ///< before anything else, literally: the rest of a chunk
};

/// What passes from worker to worker with its socket: a client before its answer, with what was
/// read of its request; a client in the middle of a stream; or a stream, the socket being the
/// engine's.
struct Passenger {
  UniqueFd socket;
  std::string peer{};
  std::string request{};
  std::uint8_t hops{};
  std::optional<Watching> watching{};
  proto::http::RequestTrace trace{};  ///< of one that watches; before its answer the id alone
  std::shared_ptr<const Estate> estate{};
};

}  // namespace ace::handover
