#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "coordinator/host/scoreboard.h"
#include "proto/chunk.h"
#include "workers/engines/session_info.h"
#include "workers/streams/ingest/chunk_builder.h"

namespace ace::streams {

struct FeedOptions {
  engines::SessionTimeouts timeouts;
  ChunkLimits chunk;
  /// How long a stream that has delivered before may be without media, while it is tried to be
  /// brought back.
  std::chrono::milliseconds give_up{300'000};
  /// Silence after which a stream counts as unhealthy, and another engine is asked beside.
  std::chrono::milliseconds unhealthy{10'000};
  /// A session that has been silent this long is given up.
  std::chrono::milliseconds silence{30'000};
  /// How often the engine is asked how the session does.
  std::chrono::milliseconds stat_every{5'000};
};

/// What a feed asks the stream that it belongs to.
struct FeedPorts {
  /// Asked before anything is said to an engine. While it is false, another owner may be at work:
  /// what is open is read on, what failed waits.
  std::function<bool()> may_command;
  /// Whether a session that broke off is certainly nobody else's by now, and may be ended.
  std::function<bool()> may_stop;
  /// The last of what viewers got, for the splicer.
  std::function<std::vector<proto::ChunkPtr>()> tail;
  /// A session has failed; the text begins with engine and phase.
  std::function<void(host::EngineFault, const Error&)> on_fault;
};

}  // namespace ace::streams
