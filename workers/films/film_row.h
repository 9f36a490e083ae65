#pragma once

#include <optional>
#include <string>

#include "coordinator/host/stream_view.h"
#include "proto/redis/client_record.h"
#include "proto/redis/stream_record.h"

namespace ace::films {

/// A film's session for the host's table, which keeps text: the session, and who reads it. Without
/// the reader, or empty, where the table has no room for it.
[[nodiscard]] std::string to_text(const proto::StreamRecord& session,
                                  const std::optional<proto::ClientRecord>& reader);

/// Whether it is a session that plays this film.
[[nodiscard]] bool plays_film(const host::StreamView& row, const proto::StreamId& content);
[[nodiscard]] std::optional<proto::ClientRecord> reader_of(const host::StreamView& row);

}  // namespace ace::films
