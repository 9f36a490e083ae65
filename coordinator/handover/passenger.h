#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "proto/http/request_trace.h"
#include "proto/http/response.h"
#include "proto/ids.h"
#include "shared/base/clock.h"
#include "shared/base/unique_fd.h"

namespace ace::handover {

/// A client in the middle of its answer, between two chunks: nothing of one is owed.
struct Watching {
  proto::StreamId stream;
  proto::ChunkCursor cursor;
  proto::http::BodyFraming framing{};
  proto::ClientId client;
  std::string agent;
  WallTime connected_at{};
  std::uint64_t bytes_sent{};
  std::uint64_t skips{};
};

/// A client connection between two workers: before its answer, with what was read of its request;
/// or in the middle of a stream.
struct Passenger {
  UniqueFd socket;
  std::string peer;
  std::string request;
  std::uint8_t hops{};
  std::optional<Watching> watching{};
  proto::http::RequestTrace trace{};  ///< of one that watches; before its answer the id alone
};

}  // namespace ace::handover
