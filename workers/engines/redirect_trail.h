#pragma once

#include <string>

#include "shared/base/result.h"
#include "workers/engines/engine_address.h"

namespace ace::engines {

/// Judges the redirects of one request: at most three, each to the engine that was called. An
/// engine that could send us elsewhere would have us ask any host of the network for it.
class RedirectTrail {
 public:
  explicit RedirectTrail(EngineAddress engine) : engine_{std::move(engine)} {}

  [[nodiscard]] static bool is_redirect(int status) { return status >= 300 && status < 400; }
  /// Where `location`, answered by `url`, leads; Protocol when it must not be followed.
  [[nodiscard]] Result<std::string> next(const std::string& url, const std::string& location);

 private:
  EngineAddress engine_;
  int followed_{};
};

}  // namespace ace::engines
