#pragma once

#include <cstdint>
#include <string>

#include "coordinator/host/scoreboard.h"
#include "proto/ids.h"

namespace ace::host {

/// How far a stream has come, as its owner says it.
enum class StreamPhase : std::uint32_t {
  Starting,
  Streaming,
  Stopping,
  Failed,  ///< it could not be started, or brought back, a moment ago: it is no stream any more
};

/// Who shares it: any number of viewers, or one alone.
enum class StreamKind : std::uint32_t {
  Live,
  Film,  ///< a session of one viewer's, under an id that is made up; its record tells the content
};

/// One stream of this host, as `/streams` shows it.
struct StreamView {
  proto::StreamId id;
  WorkerRef owner;  ///< generation 0: nobody just now
  StreamPhase phase{};
  StreamKind kind{};
  proto::OwnerEpoch epoch;
  proto::ChunkIndex index;
  std::int64_t started_at_ms{};  ///< unix time
  std::uint32_t viewers{};       ///< over all living workers
  std::string engine_id;
  std::string infohash;
  std::string session;          ///< StreamDetails::session
  std::string failure;          ///< of a failed one: why, as remember_failure() was told
  std::int64_t failed_at_ms{};  ///< unix time
};

/// What an owner tells of its stream.
struct StreamDetails {
  StreamPhase phase{};
  StreamKind kind{};
  std::string engine_id;
  std::string infohash;
  /// What a next owner needs to go on with the engine session, and what people want to know of the
  /// stream, in words of its own; kept whole or, beyond OwnershipTable::kMaxSession bytes, not at
  /// all.
  std::string session;
};

}  // namespace ace::host
