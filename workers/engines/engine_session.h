#pragma once

#include <memory>
#include <optional>

#include "proto/ids.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"
#include "shared/curl/multi.h"
#include "shared/loop/timer.h"
#include "workers/engines/engine_address.h"
#include "workers/engines/playback.h"
#include "workers/engines/session_info.h"
#include "workers/engines/stop_session.h"

namespace ace::engines {

class SessionOpener;

/// One playback of one stream at one engine, from the question to its end. It is never reopened:
/// make another one. No url that the engine answers leads anywhere but to the engine itself.
class EngineSession final : private Playback::Listener {
 public:
  /// Every method may destroy the session.
  class Listener {
   public:
    virtual ~Listener() = default;
    /// The engine runs the session, and playback is being opened. From here on it is the listener's
    /// to stop, with stop_session().
    virtual void on_session_open(const SessionInfo& info) = 0;
    /// The playback url has answered; bytes are to come.
    virtual void on_session_headers() {}
    /// Raw bytes as they come. Return false to pause: the same bytes come again after resume(), and
    /// until then the engine is held back by TCP.
    virtual bool on_session_bytes(ByteSpan bytes) = 0;
    /// The session is over, before the first byte or later; the last call. The text names engine
    /// and phase: connect, getstream, headers, first byte, reading.
    virtual void on_session_failed(const Error& why) = 0;
  };

  /// All references must outlive it; `timers` must outlive `multi`.
  EngineSession(curl::Multi& multi, loop::TimerFactory& timers, EngineAddress engine,
                proto::StreamId id, SessionTimeouts limits, Listener& listener);
  /// Aborts without a stop command, with one exception: a session that the engine may be opening
  /// right now is stopped when the answer comes, since nobody else knows of it.
  ~EngineSession() override;
  EngineSession(const EngineSession&) = delete;
  EngineSession& operator=(const EngineSession&) = delete;

  /// Asks the engine for a session with a fresh pid, then plays it. No callback comes from inside.
  void start();
  /// Instead of start(): plays a session that is running already (found in a stream's metadata),
  /// without asking for one; on_session_open is not called. Protocol when its url is unusable.
  [[nodiscard]] Status adopt(const SessionInfo& info);
  /// Instead of start(): reads on what somebody else has begun to read.
  void inherit(OpenBody body);
  /// Gives up what it reads, and is over. Nothing when no media has come yet. Not from within a
  /// callback.
  [[nodiscard]] std::optional<OpenBody> release();
  /// Bytes flow again from the next turn of the loop. Nothing happens when it is not paused.
  void resume();
  /// While bytes come: be told of them only when `bytes` wait, and read what waits when it suits.
  /// As MediaSocket has them.
  void set_low_water(std::size_t bytes);
  void read_waiting();

 private:
  void on_playback_headers() override { listener_.on_session_headers(); }
  bool on_playback_bytes(ByteSpan bytes) override;
  void on_playback_failed(Error why) override;
  void on_opened(Result<SessionInfo> opened);
  void play(std::string url);
  void fail_with(Error why);

  curl::Multi& multi_;
  loop::TimerFactory& timers_;
  EngineAddress engine_;
  proto::StreamId id_;
  SessionTimeouts limits_;
  Listener& listener_;
  std::shared_ptr<SessionOpener> opener_;
  std::unique_ptr<Playback> playback_;
};

}  // namespace ace::engines
