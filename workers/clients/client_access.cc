#include "workers/clients/client_access.h"

#include <algorithm>

#include "shared/log/access_log.h"
#include "shared/net/ip_address.h"

namespace ace::clients {
namespace {

constexpr int kClientClosedRequest = 499;

}  // namespace

void log_access(const ClientInfo& info, int status, std::uint64_t bytes, std::string_view why,
                const Clock& clock) {
  if (!log::is_access_logged()) return;
  // The wall clock may have been set back meanwhile.
  const auto took = std::max(clock.wall_now() - info.connected_at, std::chrono::nanoseconds{0});
  log::access({.address = net::without_port(info.address),
               .user = info.trace.user,
               .request = info.trace.line,
               .referer = info.trace.referer,
               .agent = info.agent,
               .request_id = info.trace.id,
               .why = why,
               .status = bytes == 0 ? kClientClosedRequest : status,
               .bytes = bytes,
               .took = std::chrono::duration_cast<std::chrono::milliseconds>(took),
               .began = info.connected_at});
}

void log_access(const ClientSession& session, int status, std::string_view why,
                const Clock& clock) {
  log_access(session.info(), status, session.bytes_sent(), why, clock);
}

}  // namespace ace::clients
