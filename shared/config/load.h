#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "shared/base/result.h"
#include "shared/config/command_line.h"
#include "shared/config/config.h"

namespace ace::config {

/// Looks up one environment variable; empty ones count as not set, as compose files write them.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Environment process_environment();

struct Loaded {
  Config config;
  /// Setting's key → "flag --proxy-workers", "environment PROXY_WORKERS", "file /etc/…", "default".
  std::map<std::string, std::string> origins;
};

/// Puts the sources together: flag over environment over file over default. Reads the file anew at
/// each call (reload). The error is one line: setting, value, source and what is allowed.
[[nodiscard]] Result<Loaded> load(const CommandLine& line, const Environment& environment);

/// What only a look at this machine tells: whether the files of the logs can be written. Makes
/// none.
[[nodiscard]] Status check_places(const Loaded& loaded);

/// Every setting with its value and origin; secrets as ***.
[[nodiscard]] std::string print_config(const Loaded& loaded);

}  // namespace ace::config
