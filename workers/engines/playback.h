#pragma once

#include <memory>
#include <optional>
#include <string>

#include "shared/base/bytes.h"
#include "shared/base/error.h"
#include "shared/curl/multi.h"
#include "shared/curl/transfer.h"
#include "shared/loop/timer.h"
#include "workers/engines/media_socket.h"
#include "workers/engines/redirect_trail.h"
#include "workers/engines/session_info.h"

namespace ace::engines {

/// Reads one playback url to its end, which is always a failure: a live stream has none. libcurl
/// asks and reads the headers; the body is read from its socket.
class Playback final : private curl::Transfer::Listener, private MediaSocket::Listener {
 public:
  /// Every method may destroy the playback.
  class Listener {
   public:
    virtual ~Listener() = default;
    /// The head of a 200 is there.
    virtual void on_playback_headers() = 0;
    /// False pauses: the same bytes come again after resume().
    virtual bool on_playback_bytes(ByteSpan bytes) = 0;
    /// The last call. The text begins with the phase.
    virtual void on_playback_failed(Error why) = 0;
  };

  /// Starts. All references must outlive it.
  Playback(curl::Multi& multi, loop::TimerFactory& timers, const EngineAddress& engine,
           std::string url, SessionTimeouts limits, Listener& listener);
  /// Goes on with one that somebody else has begun.
  Playback(curl::Multi& multi, loop::TimerFactory& timers, const EngineAddress& engine,
           OpenBody body, Listener& listener);
  ~Playback() override = default;
  Playback(const Playback&) = delete;
  Playback& operator=(const Playback&) = delete;

  void resume();
  void set_low_water(std::size_t bytes);
  void read_waiting();
  /// Gives up what it reads; nothing is called any more. Nothing when no media has come yet. Not
  /// from within a callback.
  [[nodiscard]] std::optional<OpenBody> release();

 private:
  void open();
  /// The playback has failed, with the words in which the engine says why: they are read first.
  void refuse(const curl::ResponseHead& head, Error why);
  void end_refusal();
  void take_connection();
  void read_body(OpenBody body);
  void on_headers(const curl::ResponseHead& head) override;
  curl::Flow on_bytes(ByteSpan bytes) override;
  void on_done(const curl::Outcome& outcome) override;
  bool on_media_bytes(ByteSpan bytes) override;
  void on_media_end(Error why) override;
  [[nodiscard]] std::string_view phase_name() const;

  curl::Multi& multi_;
  Listener& listener_;
  SessionTimeouts limits_;
  std::string url_;
  RedirectTrail trail_;
  bool has_bytes_{};
  std::optional<Error> refusal_;  ///< while its words are being read
  std::unique_ptr<loop::Timer> first_byte_;
  std::unique_ptr<curl::Transfer> transfer_;  ///< up to the headers
  OpenBody opening_;                          ///< what it has read behind them
  std::unique_ptr<MediaSocket> media_;        ///< from then on
  std::shared_ptr<Playback*> alive_;
};

}  // namespace ace::engines
