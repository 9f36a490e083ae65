#pragma once

#include <chrono>

#include "proto/http/request.h"
#include "proto/ids.h"
#include "shared/base/result.h"

namespace ace::http {

/// The stream that a request asks for: by its path (`/ace/{id}.ts`), or by `content_id`, `id` or
/// `infohash` (an engine's order; an empty one counts as not there). An id may stand behind
/// `acestream://`, as links write it. NotFound when none is named, InvalidArgument for what is no
/// id.
[[nodiscard]] Result<proto::StreamId> requested_stream(const proto::http::Request& request);

/// How far behind live the client wants to watch: `delay`, in whole seconds.
[[nodiscard]] Result<std::chrono::milliseconds> requested_delay(const proto::http::Request& request,
                                                                std::chrono::milliseconds most);

}  // namespace ace::http
