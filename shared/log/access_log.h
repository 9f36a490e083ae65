#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/clock.h"
#include "shared/log/log.h"

namespace ace::log {

/// One answer that has ended.
struct AccessEntry {
  std::string address;       ///< without a port
  std::string_view user;     ///< who showed a playlist's token; empty: nobody
  std::string_view request;  ///< "GET /streams HTTP/1.1", free of secrets; empty: none was read
  std::string_view referer;
  std::string_view agent;
  std::string_view request_id;
  std::string_view why;  ///< it ended
  int status{};
  /// Of the body that were taken; of a stream as counted on its way, with its head.
  std::uint64_t bytes{};
  std::chrono::milliseconds took{};
  WallTime began;
};

/// The line without its end. Combined: `1.2.3.4 - user [time] "request" status bytes "referer"
/// "agent" request_id seconds "why"`; what is empty is a dash.
[[nodiscard]] std::string access_line(const AccessEntry& entry, AccessFormat format);

/// The file of the access log; empty: it has none.
[[nodiscard]] std::string_view access_file(const Options& options);
/// Where and how setup() was told. Never blocks.
[[nodiscard]] bool is_access_logged();
void access(const AccessEntry& entry);

}  // namespace ace::log
