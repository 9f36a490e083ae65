#pragma once

#include <memory>
#include <string>

#include "shared/base/bytes.h"
#include "shared/base/error.h"
#include "shared/curl/multi.h"
#include "shared/curl/transfer.h"
#include "shared/loop/timer.h"
#include "workers/engines/redirect_trail.h"
#include "workers/engines/session_info.h"

namespace ace::engines {

/// Reads one playback url to its end, which is always a failure: a live stream has none.
class Playback final : private curl::Transfer::Listener {
 public:
  /// Every method may destroy the playback.
  class Listener {
   public:
    virtual ~Listener() = default;
    /// False pauses: the same bytes come again after resume().
    virtual bool on_playback_bytes(ByteSpan bytes) = 0;
    /// The last call. The text begins with the phase.
    virtual void on_playback_failed(Error why) = 0;
  };

  /// Starts. All references must outlive it.
  Playback(curl::Multi& multi, loop::TimerFactory& timers, const EngineAddress& engine,
           std::string url, SessionTimeouts limits, Listener& listener);
  ~Playback() override = default;
  Playback(const Playback&) = delete;
  Playback& operator=(const Playback&) = delete;

  void resume() { transfer_->resume(); }
  void set_low_water(std::size_t bytes) { transfer_->set_low_water(bytes); }
  void read_waiting() { transfer_->read_waiting(); }

 private:
  void open();
  void on_headers(const curl::ResponseHead& head) override;
  curl::Flow on_bytes(ByteSpan bytes) override;
  void on_done(const curl::Outcome& outcome) override;
  [[nodiscard]] std::string_view phase_name(curl::Phase phase) const;

  curl::Multi& multi_;
  Listener& listener_;
  SessionTimeouts limits_;
  std::string url_;
  RedirectTrail trail_;
  bool has_bytes_{};
  std::unique_ptr<loop::Timer> first_byte_;
  std::unique_ptr<curl::Transfer> transfer_;
};

}  // namespace ace::engines
