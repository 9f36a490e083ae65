#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/chunk.h"
#include "proto/ids.h"
#include "proto/mpeg_ts/ts_aligner.h"
#include "shared/curl/multi.h"
#include "workers/engines/engine_directory.h"
#include "workers/engines/engine_selector.h"
#include "workers/engines/engine_session.h"
#include "workers/streams/ingest/chunk_builder.h"
#include "workers/streams/ingest/splicer.h"

namespace ace::streams {

/// Why one engine did not deliver.
struct EngineFailure {
  std::string engine_id;
  Error error;
};

struct FeedOptions {
  engines::SessionTimeouts timeouts;
  ChunkLimits chunk;
  /// How long a stream that has delivered before is tried to be brought back.
  std::chrono::milliseconds give_up{300'000};
  /// Silence after which a stream counts as unhealthy.
  std::chrono::milliseconds unhealthy{10'000};
  /// A session that has been silent this long is given up.
  std::chrono::milliseconds silence{30'000};
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
};

/// The engine side of an owned stream: goes on with the session of the owner before, or picks an
/// engine, runs its session, realigns its bytes and cuts them into chunks. Before the stream's
/// first byte it tries each engine once; afterwards it opens new sessions with growing delay for as
/// long as `give_up` allows, and splices each onto what viewers got.
class EngineFeed final : private engines::EngineSession::Listener, private ChunkBuilder::Listener {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// An engine was chosen and is being asked: it counts as loaded from now on.
    virtual void on_feed_choice(const std::string& engine_id) = 0;
    /// A session is open; media is to come.
    virtual void on_feed_open(const engines::SessionInfo& info) = 0;
    virtual void on_feed_chunk(proto::ChunkPtr chunk) = 0;
    /// No media for FeedOptions::unhealthy, told again and again until there is some.
    virtual void on_feed_silent(std::chrono::milliseconds since) = 0;
    /// No engine delivers, or none has for too long: the last word of the feed.
    virtual void on_feed_failed(const std::vector<EngineFailure>& failures) = 0;
  };

  EngineFeed(curl::Multi& curl, loop::TimerFactory& timers, const Clock& clock,
             const engines::EngineDirectory& engines, engines::EngineSelector& selector,
             FeedPorts ports, proto::StreamId id, FeedOptions options, Listener& listener);
  ~EngineFeed() override;
  EngineFeed(const EngineFeed&) = delete;
  EngineFeed& operator=(const EngineFeed&) = delete;

  /// `known`: a session that the stream's last owner left running. It is gone on with, if its first
  /// packets come soon enough; else it is stopped, and a new one opened.
  void start(std::optional<engines::SessionInfo> known = std::nullopt);
  /// Ends the session at the engine too, if that may be commanded: the stop command is sent, nobody
  /// waits for its answer.
  /// What was read and not yet cut becomes a last chunk. No listener call after it.
  void stop();
  /// Ends only our side: the session belongs to somebody else now. No listener call after it.
  void abandon();

  /// Back-pressure: the transfer rests while there is a reason, and the engine's TCP window closes.
  enum class PauseReason : std::uint8_t { RedisBacklog = 1 };
  void pause(PauseReason reason);
  void resume(PauseReason reason);

 private:
  void on_session_open(const engines::SessionInfo& info) override;
  bool on_session_bytes(ByteSpan bytes) override;
  void on_session_failed(const Error& why) override;
  void on_chunk(proto::ChunkPtr chunk) override;
  void on_chunk_due() override;

  void open_next();
  void adopt(engines::SessionInfo info);
  void on_adopted();
  void open_on_best_engine();
  void on_choice(const Result<engines::EngineAddress>& chosen);
  void open(const engines::EngineAddress& engine);
  void make_session(const engines::EngineAddress& engine);
  void note_failure(const Error& why);
  void stop_open_session();
  void after_failure();
  void check_silence();
  void give_up();
  void let_go();
  void set_flowing(bool is_flowing);
  [[nodiscard]] engines::SessionTimeouts timeouts_now() const;

  curl::Multi& curl_;
  loop::TimerFactory& timers_;
  const Clock& clock_;
  const engines::EngineDirectory& engines_;
  engines::EngineSelector& selector_;
  FeedPorts ports_;
  proto::StreamId id_;
  FeedOptions options_;
  Listener& listener_;

  std::unique_ptr<engines::EngineSession> session_;
  std::optional<engines::SessionInfo> open_session_;
  std::optional<engines::SessionInfo> known_session_;  ///< to be adopted
  std::string engine_id_;                              ///< the engine being used or asked
  proto::TsAligner aligner_;
  Splicer splicer_;
  ChunkBuilder builder_;
  std::unique_ptr<loop::Timer> retry_;
  std::unique_ptr<loop::Timer> watch_;

  std::vector<EngineFailure> failures_;
  engines::ExcludedEngines tried_;
  std::uint8_t pause_reasons_{};
  SteadyTime failing_since_;
  SteadyTime opened_at_;
  SteadyTime last_media_;
  unsigned retries_{};
  bool is_adopting_{};                     ///< no packet has come of the session of another owner
  bool has_delivered_{};                   ///< the stream, at any time
  bool has_session_delivered_{};           ///< the present session
  bool is_flowing_{};                      ///< its bytes are fetched when a chunk is due
  std::shared_ptr<EngineFeed*> choosing_;  ///< while an engine is being chosen
};

}  // namespace ace::streams
