#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "workers/streams/session/engine_feed.h"

namespace ace::streams {

/// Why a stream cannot be served, as its viewers are told.
struct StartFailure {
  int status{503};  ///< 502 engine bad, 503 nobody can take it now, 504 engine slow
  std::string
      code;  ///< stable word: "no_engine", "engine_error", "engine_timeout", "too_many_streams"
  std::string message;
  std::vector<EngineFailure> engines;  ///< each engine that was tried, and why it failed
};

/// The proxy is being stopped: for viewers that have got nothing yet.
[[nodiscard]] StartFailure stopping();
/// Somebody wanted the stream to end, or the viewer to go.
[[nodiscard]] StartFailure ended();
[[nodiscard]] StartFailure kicked();
/// Nobody who could play it brought anything: not the owner, or there was none in time.
[[nodiscard]] StartFailure owner_silent(std::chrono::milliseconds waited);
[[nodiscard]] StartFailure no_owner(std::chrono::milliseconds waited);

/// For the host's table, which keeps text for all workers. Parsing takes what was cut short too.
[[nodiscard]] std::string to_text(const StartFailure& failure);
[[nodiscard]] StartFailure parse_start_failure(std::string_view text);

/// The status follows what the engines did: unreachable or full is 503 (try later), too slow is
/// 504, an engine that answered with an error or nonsense is 502.
[[nodiscard]] StartFailure start_failure(std::vector<EngineFailure> engines);

}  // namespace ace::streams
