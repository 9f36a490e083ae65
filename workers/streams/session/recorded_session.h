#pragma once

#include <optional>

#include "proto/ids.h"
#include "proto/redis/stream_record.h"
#include "workers/engines/session_info.h"
#include "workers/streams/session/stream_services.h"

namespace ace::streams {

/// The engine session that a stream's metadata describe. Nothing if they name no session, or an
/// engine that is not in our settings: Redis must not make us connect anywhere else.
[[nodiscard]] std::optional<engines::SessionInfo> recorded_session(
    const proto::StreamRecord& record, const engines::EngineDirectory& engines);

/// Reads the stream's metadata and stops the session that they name, without waiting for an answer.
/// Commands sent to Redis after this call may delete the metadata.
void stop_recorded_session(StreamServices& services, const proto::StreamId& id);

}  // namespace ace::streams
