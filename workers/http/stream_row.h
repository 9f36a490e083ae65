#pragma once

#include <string_view>

#include "coordinator/host/ownership_table.h"
#include "proto/redis/client_record.h"
#include "proto/redis/stream_record.h"
#include "workers/http/json_text.h"

namespace ace::http {

/// A stream's members, as `/streams` and `/streams/{id}` show them, into an object that is open.
/// What its owner tells of the engine session stands in `stream.session`.
void write_members(JsonWriter& out, const host::StreamView& stream, std::string_view owner);

/// A stream that another host runs, as Redis has it.
[[nodiscard]] host::StreamView view_of(const proto::StreamId& id, const proto::StreamRecord& record,
                                       proto::ChunkIndex index);

/// An object of its own.
void write(JsonWriter& out, const proto::ClientRecord& client);

}  // namespace ace::http
