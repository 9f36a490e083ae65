#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "proto/ids.h"
#include "proto/mpeg_ts/ts_aligner.h"
#include "shared/base/clock.h"
#include "shared/curl/multi.h"
#include "workers/engines/engine_session.h"

namespace ace::streams {

/// One engine session of a stream, read as whole packets. A feed has one that its viewers watch,
/// and at times a second one that may take its place.
class SessionReader final : private engines::EngineSession::Listener {
 public:
  /// None may destroy the reader: retire() it, and destroy it from the loop.
  class Listener {
   public:
    virtual ~Listener() = default;
    /// The engine runs the session: info() tells which.
    virtual void on_reader_open(SessionReader& reader) = 0;
    /// Playback has begun: the answer's head is there.
    virtual void on_reader_headers(SessionReader& reader) = 0;
    /// Whether bytes may come now; while they may not, the engine is held back by TCP.
    [[nodiscard]] virtual bool may_read() const = 0;
    /// A whole number of packets, valid during the call; of a stream's first session from the first
    /// PAT on.
    virtual void on_reader_packets(SessionReader& reader, ByteSpan packets) = 0;
    /// The last call. The text names engine and phase.
    virtual void on_reader_failed(SessionReader& reader, const Error& why) = 0;
  };

  /// What every reader of a feed is made with; outlives it.
  struct Services {
    curl::Multi& curl;
    loop::TimerFactory& timers;
    const Clock& clock;
  };

  /// Where the stream of which it is a session stands.
  enum class Place {
    Beginning,  ///< nobody is answered with what only has its sync bytes in the right places
    Middle,
  };

  SessionReader(const Services& services, const engines::EngineAddress& engine, proto::StreamId id,
                engines::SessionTimeouts limits, Place place, Listener& listener);
  SessionReader(const SessionReader&) = delete;
  SessionReader& operator=(const SessionReader&) = delete;

  /// Asks for a session.
  void start() { session_.start(); }
  /// Goes on with one that runs already, if its first packets come soon enough. Fails at once when
  /// its url is unusable.
  [[nodiscard]] Status adopt(engines::SessionInfo info, std::chrono::milliseconds within);
  /// Reads on what somebody else has begun to read. `place`: of that one's aligner.
  void inherit(engines::SessionInfo info, engines::OpenBody body, proto::TsAligner::Place place,
               SteadyTime made_at);
  /// Gives up what it reads, what waits for the rest of its packet included, and is over. Nothing
  /// while what comes is no media. Not from within a callback.
  [[nodiscard]] std::optional<engines::OpenBody> release();
  /// Ends the session at the engine, if there is one; nobody waits for the answer.
  void stop();
  /// Nothing more is told of it, but that an engine opened the session it was still being asked
  /// for: that one has to be ended. For a reader that cannot be destroyed where it stands.
  void retire();
  void resume() { session_.resume(); }
  void set_low_water(std::size_t bytes) { session_.set_low_water(bytes); }
  void read_waiting() { session_.read_waiting(); }

  [[nodiscard]] const std::string& engine_id() const { return engine_id_; }
  [[nodiscard]] const std::optional<engines::SessionInfo>& info() const { return info_; }
  [[nodiscard]] SteadyTime made_at() const { return made_at_; }
  [[nodiscard]] proto::TsAligner::Place place() const { return aligner_.place(); }
  /// Somebody else opened it, and no packet of it has come yet.
  [[nodiscard]] bool is_adopting() const { return adoption_ != nullptr; }
  /// What it sends has been no stream for kJunkTime: no MPEG-TS, or at the beginning one without a
  /// PAT. The text names engine and phase, and says what was sent.
  [[nodiscard]] std::optional<Error> junk() const;
  /// How far a session that has brought no media came, for whoever gives it up.
  [[nodiscard]] Error unfinished() const;

 private:
  /// Looked at twice a second, it is known within 2 s of the first byte.
  static constexpr std::chrono::milliseconds kJunkTime{1'500};

  void on_session_open(const engines::SessionInfo& info) override;
  void on_session_headers() override;
  bool on_session_bytes(ByteSpan bytes) override;
  void on_session_failed(const Error& why) override;
  void judge(ByteSpan bytes);
  [[nodiscard]] Error no_stream() const;

  Services services_;
  std::string engine_id_;
  Listener& listener_;
  SteadyTime made_at_;
  std::optional<engines::SessionInfo> info_;
  std::unique_ptr<loop::Timer> adoption_;  ///< runs out unless a packet comes
  bool is_retired_{};
  bool has_headers_{};
  bool has_begun_;       ///< packets are handed on
  std::size_t bytes_{};  ///< that came, of the body
  /// How it began, while no packet has come; then empty.
  std::string opening_;
  std::optional<SteadyTime> junk_since_;  ///< while what comes is no media
  std::size_t junk_bytes_{};              ///< since then
  proto::TsAligner aligner_;
  engines::EngineSession session_;
};

}  // namespace ace::streams
