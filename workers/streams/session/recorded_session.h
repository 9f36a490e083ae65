#pragma once

#include <optional>

#include "proto/ids.h"
#include "proto/redis/stream_record.h"
#include "workers/engines/session_info.h"
#include "workers/streams/session/stream_services.h"

namespace ace::streams {

/// The engine session that a stream's metadata describe. Nothing where they name no session, or an
/// engine that is not one of ours: what stands in Redis must not lead us anywhere else.
[[nodiscard]] std::optional<engines::SessionInfo> recorded_session(
    const proto::StreamRecord& record, const engines::EngineDirectory& engines);

/// Reads the stream's metadata and tells the engine that nobody watches any more. Nobody waits for
/// it; what is sent to Redis behind it may delete the metadata.
void stop_recorded_session(StreamServices& services, const proto::StreamId& id);

}  // namespace ace::streams
