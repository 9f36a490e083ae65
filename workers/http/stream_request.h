#pragma once

#include <chrono>

#include "proto/http/request.h"
#include "proto/ids.h"
#include "shared/base/result.h"

namespace ace::http {

/// Takes off what playlists and players add to the address of a stream: white space around its path
/// and its parameters, a slash behind its path, and `|User-Agent=…`, with which Kodi tells itself
/// what to send. Targets outside of `/ace/` stay as they are.
void drop_additions(proto::http::Target& target);

/// The stream that a request asks for: by its path (`/ace/{id}.ts`), or by `content_id`, `id` or
/// `infohash` (an engine's order; an empty one counts as not there). An id may stand behind
/// `acestream://`, as links write it; such a link may be given as `url`. NotFound when none is
/// named, InvalidArgument, which quotes it, for what is no id.
[[nodiscard]] Result<proto::StreamId> requested_stream(const proto::http::Request& request);

/// How far behind live the client wants to watch: `delay`, in whole seconds.
[[nodiscard]] Result<std::chrono::milliseconds> requested_delay(const proto::http::Request& request,
                                                                std::chrono::milliseconds most);

}  // namespace ace::http
