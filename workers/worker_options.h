#pragma once

#include "shared/config/config.h"
#include "workers/engines/engine_registry.h"
#include "workers/http/connection.h"
#include "workers/http/endpoints.h"
#include "workers/streams/session/stream_services.h"

namespace ace::workers {

/// The settings as each part of a worker wants them.
[[nodiscard]] streams::StreamOptions stream_options(const config::Config& config);
[[nodiscard]] http::ConnectionLimits connection_limits(const config::Config& config);
[[nodiscard]] http::StrangerBytes::Limits stranger_limits(const config::Config& config);
[[nodiscard]] http::EndpointOptions endpoint_options(const config::Config& config);
[[nodiscard]] ownership::ClientRecordTiming client_record_timing(const config::Config& config);
[[nodiscard]] engines::RegistryOptions registry_options(const config::Config& config);

}  // namespace ace::workers
