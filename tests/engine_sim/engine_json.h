#pragma once

#include <string>
#include <string_view>

#include "shared/base/clock.h"
#include "tests/engine_sim/faults.h"
#include "tests/engine_sim/request.h"
#include "tests/engine_sim/session_table.h"

namespace ace::sim {

constexpr std::string_view kEngineVersion = "3.1.70";

/// The answers of an engine, in its three envelopes. `base` is "http://host:port".
[[nodiscard]] std::string getstream_json(const Session& session, const std::string& base,
                                         const Request& request, const Faults& faults);
[[nodiscard]] std::string stat_json(const Session& session, const Faults& faults, WallTime now);
[[nodiscard]] std::string event_json(const Session& session);
/// `{"response":null,"error":"…"}`.
[[nodiscard]] std::string playback_error_json(std::string_view text);
[[nodiscard]] std::string version_json(const Request& request);
[[nodiscard]] std::string server_api_json(const std::string& method);

[[nodiscard]] std::string playback_path(const Session& session);

}  // namespace ace::sim
