#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "proto/chunk.h"
#include "proto/ids.h"
#include "workers/engines/engine_directory.h"
#include "workers/engines/engine_selector.h"
#include "workers/engines/stat_watch.h"
#include "workers/streams/ingest/chunk_builder.h"
#include "workers/streams/ingest/splicer.h"
#include "workers/streams/session/attempts.h"
#include "workers/streams/session/feed_ports.h"
#include "workers/streams/session/session_reader.h"

namespace ace::streams {

/// The engine side of an owned stream: goes on with the session of the owner before, or picks an
/// engine, runs its session and cuts its packets into chunks. Before the stream's first byte it
/// tries each engine once, two of them beside each other, for as long as `start` allows. Afterwards
/// it brings the stream back for as long as `give_up` allows: once by the same playback url, then
/// by new sessions, with growing pauses. Beside a session that is only silent another engine is
/// asked: whichever delivers first is watched, and the other is ended. Each session is spliced onto
/// what viewers got.
class EngineFeed final : private SessionReader::Listener, private ChunkBuilder::Listener {
 public:
  using Listener = FeedListener;

  EngineFeed(curl::Multi& curl, loop::TimerFactory& timers, const Clock& clock,
             const engines::EngineDirectory& engines, engines::EngineSelector& selector,
             FeedPorts ports, proto::StreamId id, FeedOptions options, Listener& listener);
  ~EngineFeed() override;

  /// `known`: a session that the stream's last owner left running. It is gone on with, if its first
  /// packets come soon enough; else it is stopped, and a new one opened. `waited`: how long the
  /// first viewer has waited already.
  void start(std::optional<engines::SessionInfo> known = std::nullopt,
             std::chrono::nanoseconds waited = {});
  /// Ends the session at the engine too, if that may be commanded, without waiting for its answer.
  /// What was read and not yet cut becomes a last chunk. No listener call after it.
  void stop();
  /// Ends only our side: the session belongs to somebody else now. No listener call after it.
  void abandon();

  /// Reads no more, so that the session can pass on: what was read becomes chunks. resume() undoes
  /// it. False: not now (nothing flows yet, or something is being decided).
  bool rest();
  /// Gives up the session of a feed at rest, and is over. Nothing: rest() again first.
  [[nodiscard]] std::optional<FeedEstate> part();
  /// Instead of start(): goes on with what another feed has given up.
  void inherit(FeedEstate estate);

  /// Moves on purpose, while the present engine goes on until the next one delivers: `engine_id`,
  /// or the best. False: nothing flows yet, or there is no such engine. It stays when none has
  /// room.
  bool migrate(const std::optional<std::string>& engine_id);
  /// Whose session viewers watch or wait for.
  [[nodiscard]] std::string engine_id() const { return current_ ? current_->engine_id() : ""; }

  /// Back-pressure: the transfer rests, and the engine's TCP window closes.
  void pause() { is_paused_ = true; }
  [[nodiscard]] bool is_paused() const { return is_paused_; }
  void resume();

 private:
  enum class Challenge : std::uint8_t { None, Hedge, Migration };
  static constexpr std::chrono::milliseconds kWatchEvery{500};
  /// Into so many parts FeedOptions::start is divided: with each another engine may be asked.
  static constexpr int kStartHedges = 4;

  void on_reader_open(SessionReader& reader) override;
  void on_reader_headers(SessionReader& reader) override;
  [[nodiscard]] bool may_read() const override { return !is_paused_; }
  void on_reader_packets(SessionReader& reader, ByteSpan packets) override;
  void on_reader_failed(SessionReader& reader, const Error& why) override;
  void on_chunk(proto::ChunkPtr chunk) override;
  void on_chunk_due() override;

  void open_next();
  void adopt(engines::SessionInfo info);
  void open_on_best_engine();
  void on_choice(const Result<engines::EngineAddress>& chosen);
  void on_no_engine(const Error& why);
  void choose(const engines::ExcludedEngines& excluded,
              void (EngineFeed::*then)(const Result<engines::EngineAddress>&));
  [[nodiscard]] std::unique_ptr<SessionReader> make_reader(const engines::EngineAddress& engine);
  void watch_reader(std::unique_ptr<SessionReader> reader);
  void challenge(Challenge why, const engines::ExcludedEngines& excluded);
  void on_challenger_choice(const Result<engines::EngineAddress>& chosen);
  void hedge();
  void check_start();
  void drop_laggard();
  void end_start();
  void drop_challenger();
  void beat_current();
  void take_challenger();
  void on_current_failed(const Error& why);
  void on_stat(const proto::engine::StatAnswer& stat);
  void check_challenger();
  void check_junk();
  void recount();
  void stop_owed();
  void tell_fault(const SessionReader& reader, const Error& why);
  void note_failure(const std::string& engine_id, const Error& why);
  void end(std::unique_ptr<SessionReader> reader);
  void retire(std::unique_ptr<SessionReader> reader);
  void after_failure();
  void check_silence();
  void give_up(const std::vector<EngineFailure>& failures);
  void let_go();
  void set_flowing(bool is_flowing);
  [[nodiscard]] bool is_swarm_dry() const { return services_.clock.now() < dry_until_; }
  [[nodiscard]] engines::SessionTimeouts timeouts_now() const;

  SessionReader::Services services_;
  const engines::EngineDirectory& engines_;
  engines::EngineSelector& selector_;
  FeedPorts ports_;
  proto::StreamId id_;
  FeedOptions options_;
  Listener& listener_;

  std::unique_ptr<SessionReader> current_;               ///< whose packets viewers get
  std::unique_ptr<SessionReader> challenger_;            ///< may take its place
  std::vector<std::unique_ptr<SessionReader>> retired_;  ///< until the loop's next turn
  std::optional<engines::SessionInfo> known_session_;    ///< to be adopted
  std::vector<engines::SessionInfo> owed_stops_;         ///< broke off while nothing could be said
  Splicer splicer_;
  ChunkBuilder builder_;
  std::unique_ptr<loop::Timer> retry_, watch_, sweep_;
  engines::StatWatch stat_;

  std::shared_ptr<EngineFeed*> choosing_;  ///< while an engine is being chosen
  Attempts attempts_;
  Challenge challenge_{Challenge::None};
  SteadyTime last_chunk_;     ///< of the stream
  SteadyTime last_media_;     ///< of the present session, or its beginning
  SteadyTime waiting_since_;  ///< what the next chunk is made of
  SteadyTime last_reopening_, next_hedge_;
  SteadyTime start_ends_;  ///< without media by then the stream has failed
  std::string swarm_;      ///< what the engine said last of the present session's swarm
  SteadyTime dry_until_;   ///< the engine has no peers
  unsigned dry_hedges_{};
  unsigned room_asks_{};  ///< since an engine was chosen
  bool is_paused_{};
  bool has_delivered_{};          ///< the stream, at any time
  bool has_session_delivered_{};  ///< the present session
  bool is_flowing_{};             ///< its bytes are fetched when a chunk is due
};

}  // namespace ace::streams
