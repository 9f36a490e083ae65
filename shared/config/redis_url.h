#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"

namespace ace::config {

/// `redis://[[user]:password@]host[:port][/db]` as the settings that it stands for: key
/// (`REDIS_HOST`) and text. User and password may be percent-encoded. What the url does not name is
/// not among them, but for the port, which is 6379 then, and the socket, which is none. The error
/// names no part of the url: it may hold a password.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::string>>> parse_redis_url(
    std::string_view url);

}  // namespace ace::config
