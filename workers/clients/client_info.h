#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "proto/http/request_trace.h"
#include "proto/ids.h"
#include "shared/base/clock.h"

namespace ace::clients {

/// Who is watching, for records and logs.
struct ClientInfo {
  proto::ClientId id;
  std::string address;
  std::string agent;
  WallTime connected_at;
  proto::http::RequestTrace trace{};
};

/// How far it has come, for a worker that goes on with it.
struct ClientProgress {
  std::uint64_t bytes_sent{};
  std::uint64_t skips{};
  std::string owed{};               ///< before its next chunk, literally
  std::chrono::nanoseconds hold{};  ///< what is younger has to wait
};

}  // namespace ace::clients
