#include "workers/streams/session/start_failure.h"

#include <algorithm>
#include <utility>

namespace ace::streams {

StartFailure start_failure(std::vector<EngineFailure> engines) {
  const auto any_with = [&](Errc code) {
    return std::ranges::any_of(engines,
                               [code](const EngineFailure& f) { return f.error.code == code; });
  };
  StartFailure failure{.status = 503,
                       .code = "no_engine",
                       .message = "no engine can be reached or has room",
                       .engines = {}};
  if (any_with(Errc::Refused) || any_with(Errc::Protocol) || any_with(Errc::Closed) ||
      any_with(Errc::TooLarge) || any_with(Errc::NotFound)) {
    failure = {.status = 502,
               .code = "engine_error",
               .message = "the engine cannot play this stream",
               .engines = {}};
  } else if (any_with(Errc::Timeout)) {
    failure = {.status = 504,
               .code = "engine_timeout",
               .message = "the engine did not deliver in time",
               .engines = {}};
  }
  failure.engines = std::move(engines);
  return failure;
}

}  // namespace ace::streams
