#pragma once

#include <cstdint>
#include <string_view>

#include "workers/clients/client_session.h"

namespace ace::clients {

/// The line of the access log for a viewer whose answer has ended, with so many bytes of it sent.
/// Who left before the first one counts as 499, as nginx has it.
void log_access(const ClientInfo& info, int status, std::uint64_t bytes, std::string_view why,
                const Clock& clock);
void log_access(const ClientSession& session, int status, std::string_view why, const Clock& clock);

}  // namespace ace::clients
