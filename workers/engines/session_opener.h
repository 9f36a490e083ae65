#pragma once

#include <functional>
#include <memory>
#include <string>

#include "proto/engine/engine_api.h"
#include "proto/ids.h"
#include "shared/curl/fetch.h"
#include "shared/curl/multi.h"
#include "shared/loop/timer.h"
#include "workers/engines/redirect_trail.h"
#include "workers/engines/session_info.h"

namespace ace::engines {

/// Asks an engine for one session: getstream with a fresh pid, as a content id first, as an
/// infohash where the engine refuses that (40 digits do not tell which they are). An engine that
/// has the question may open a session although nobody waits for it any more, so a question that
/// was sent is always heard out, and the session nobody wants is stopped.
class SessionOpener : public std::enable_shared_from_this<SessionOpener> {
 public:
  /// Called once, never while start() runs. The error's text begins with the phase.
  using Callback = std::function<void(Result<SessionInfo>)>;

  /// `multi` and `timers` must outlive it.
  SessionOpener(curl::Multi& multi, loop::TimerFactory& timers, EngineAddress engine,
                proto::StreamId id, SessionTimeouts limits);
  SessionOpener(const SessionOpener&) = delete;
  SessionOpener& operator=(const SessionOpener&) = delete;

  void start(Callback callback);
  /// The callback is dropped uncalled. What was sent is heard out in the keeping of `multi`.
  void abandon();

 private:
  void ask(proto::engine::IdKind kind);
  void send();
  void on_answer(const Result<curl::Answer>& answer);
  void on_timeout();
  void follow(const std::string& location);
  void judge(const curl::Answer& answer);
  void on_refused(const Error& why);
  void finish(Result<SessionInfo> result);
  [[nodiscard]] SessionInfo make_info(proto::engine::GetstreamAnswer answer) const;
  void hear_out();

  curl::Multi& multi_;
  loop::TimerFactory& timers_;
  EngineAddress engine_;
  proto::StreamId id_;
  SessionTimeouts limits_;
  std::string pid_;
  Callback callback_;  // empty: nobody waits any more
  proto::engine::IdKind kind_{proto::engine::IdKind::ContentId};
  std::string first_refusal_;
  std::string url_;
  RedirectTrail trail_;
  std::unique_ptr<loop::Timer> deadline_;
  std::unique_ptr<curl::Fetch> fetch_;  // null: no question is out
};

}  // namespace ace::engines
