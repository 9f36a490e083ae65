#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "coordinator/host/scoreboard.h"
#include "proto/chunk.h"
#include "proto/engine/engine_api.h"
#include "proto/mpeg_ts/ts_aligner.h"
#include "workers/engines/media_socket.h"
#include "workers/engines/session_info.h"
#include "workers/streams/ingest/chunk_builder.h"
#include "workers/streams/session/attempts.h"
#include "workers/streams/session/stream_story.h"

namespace ace::streams {

struct FeedOptions {
  engines::SessionTimeouts timeouts;
  ChunkLimits chunk;
  /// For the first media of a stream, from its first viewer on, all engines together. After a
  /// quarter of it another engine is asked beside the one that has brought nothing.
  std::chrono::milliseconds start{15'000};
  /// How long a stream that has delivered before may be without media, while it is tried to be
  /// brought back.
  std::chrono::milliseconds give_up{300'000};
  /// Silence after which a stream counts as unhealthy, and another engine is asked beside.
  std::chrono::milliseconds unhealthy{10'000};
  /// A session that has been silent this long is given up.
  std::chrono::milliseconds silence{30'000};
  /// For the first packet of a session that was opened before. Engines do not say that this works
  /// at all, and viewers wait.
  std::chrono::milliseconds adopt{500};
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
  /// The session that viewers wait for has come so far; may be told again.
  std::function<void(StartPhase)> on_phase;
};

/// Whom a feed tells what becomes of its stream.
class FeedListener {
 public:
  virtual ~FeedListener() = default;
  /// An engine was chosen and is being asked: it counts as loaded from now on.
  virtual void on_feed_choice(const std::string& engine_id) = 0;
  /// A session is open; media is to come.
  virtual void on_feed_open(const engines::SessionInfo& info) = 0;
  /// `arrived`: its oldest byte, or a little earlier.
  virtual void on_feed_chunk(proto::ChunkPtr chunk, SteadyTime arrived) = 0;
  /// What the engine says of the session, every FeedOptions::stat_every.
  virtual void on_feed_stat(const proto::engine::StatAnswer& stat) = 0;
  /// No media for FeedOptions::unhealthy, told again and again until there is some.
  virtual void on_feed_silent(std::chrono::milliseconds since) = 0;
  /// No engine delivers, or none has for too long: the last word of the feed.
  virtual void on_feed_failed(const std::vector<EngineFailure>& failures) = 0;
};

/// An engine session in the middle of its media, for whoever goes on with it.
struct FeedEstate {
  engines::SessionInfo info;
  engines::OpenBody body;  ///< what is in no chunk yet included
  proto::TsAligner::Place place;
  SteadyTime made_at;
};

}  // namespace ace::streams
