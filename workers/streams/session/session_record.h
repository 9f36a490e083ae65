#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "coordinator/host/ownership_table.h"
#include "proto/engine/engine_api.h"
#include "proto/redis/stream_record.h"
#include "workers/engines/session_info.h"

namespace ace::streams {

/// The engine session stands in the stream's record from here on; what is empty clears what was.
void set_session(proto::StreamRecord& record, const engines::SessionInfo& session);
/// What the engine says of that session stands there too.
void set_stat(proto::StreamRecord& record, const proto::engine::StatAnswer& stat);
/// The engine says that nobody sends it anything.
[[nodiscard]] bool is_swarm_dry(const proto::StreamRecord& record);
/// Why an engine did not deliver, as of now; one line of bounded length is kept of it.
void set_error(proto::StreamRecord& record, std::string_view why, WallTime now);
/// The engine session that a record names. Nothing when it does not say enough to play it.
[[nodiscard]] std::optional<engines::SessionInfo> session_of(const proto::StreamRecord& record);

/// All of it for the host's table, which keeps text; empty when that has no room for it.
[[nodiscard]] std::string to_text(const proto::StreamRecord& record);
[[nodiscard]] std::optional<engines::SessionInfo> parse_session(const std::string& text);
/// As the host's table has it.
[[nodiscard]] host::StreamPhase phase_of(const proto::StreamRecord& record);

}  // namespace ace::streams
