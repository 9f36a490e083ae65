#pragma once

#include <string_view>

#include "workers/clients/client_session.h"

namespace ace::clients {

/// The line of the access log for a viewer whose answer has ended. Who left before the first byte
/// counts as 499, as nginx has it.
void log_access(const ClientSession& session, int status, std::string_view why, const Clock& clock);

}  // namespace ace::clients
