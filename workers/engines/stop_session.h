#pragma once

#include <functional>

#include "shared/curl/multi.h"
#include "shared/loop/timer.h"
#include "workers/engines/session_info.h"

namespace ace::engines {

/// Tells the engine that nobody watches any more. Fire and forget: given up after `limits.command`,
/// and a failure is only logged (an engine ends an unread session by itself). `done` may be null;
/// otherwise it is called once, never before this has returned. Outlives whoever asks: `multi`
/// keeps it, and drops it silently at its own end.
void stop_session(curl::Multi& multi, loop::TimerFactory& timers, const SessionInfo& info,
                  std::function<void()> done, SessionTimeouts limits = {});

}  // namespace ace::engines
