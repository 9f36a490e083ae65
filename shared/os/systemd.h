#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/unique_fd.h"

namespace ace::os {

/// Tells systemd about the service's state: "READY=1", "STATUS=…". Silent where nobody listens.
void notify(const std::string& state);
/// RELOADING=1 with the time stamp that systemd asks for.
void notify_reloading();

/// How often systemd wants WATCHDOG=1 (already halved); nothing when it watches nobody.
[[nodiscard]] std::optional<std::chrono::milliseconds> watchdog_period();

/// The listening stream sockets that systemd handed over (socket activation), close-on-exec and
/// non-blocking. The environment variables are taken away, so that a second call finds none.
[[nodiscard]] std::vector<UniqueFd> inherited_sockets();

}  // namespace ace::os
