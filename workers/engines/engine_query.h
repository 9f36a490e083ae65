#pragma once

#include <functional>
#include <memory>

#include "proto/engine/engine_api.h"
#include "shared/base/result.h"
#include "shared/curl/fetch.h"
#include "shared/curl/multi.h"
#include "shared/loop/timer.h"
#include "workers/engines/engine_identity.h"
#include "workers/engines/session_info.h"

/// Small questions to an engine, each answered once within `limits.command`, never before the
/// asking function has returned. Destroying what they return takes the question back. The errors'
/// texts begin with engine and question.
namespace ace::engines {

template <class T>
using QueryCallback = std::function<void(Result<T>)>;

/// How a running session does. NotFound where the engine gave no url for it. An answer "unknown
/// playback session id" is Refused: the session has ended, the engine is well.
[[nodiscard]] Result<std::unique_ptr<curl::Fetch>> ask_stat(
    curl::Multi& multi, loop::TimerFactory& timers, const SessionInfo& info,
    const SessionTimeouts& limits, QueryCallback<proto::engine::StatAnswer> callback);

/// What answered at an engine's address.
struct EngineSelf {
  std::string version;
  EngineIdentity identity;
};
[[nodiscard]] std::unique_ptr<curl::Fetch> ask_version(curl::Multi& multi,
                                                       loop::TimerFactory& timers,
                                                       const EngineAddress& engine,
                                                       const SessionTimeouts& limits,
                                                       QueryCallback<EngineSelf> callback);

/// Whether the engine is connected to its network: hangs when the engine hangs.
[[nodiscard]] std::unique_ptr<curl::Fetch> ask_network_status(curl::Multi& multi,
                                                              loop::TimerFactory& timers,
                                                              const EngineAddress& engine,
                                                              const SessionTimeouts& limits,
                                                              QueryCallback<bool> callback);

}  // namespace ace::engines
