#include "workers/clients/ack_watch.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace ace::clients {

std::optional<AckSample> sample_acks(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  int queued = 0;
  if (::ioctl(socket, SIOCOUTQ, &queued) != 0) return std::nullopt;
  return AckSample{.outstanding = static_cast<std::uint64_t>(std::max(queued, 0)),
                   .since_last_ack = std::chrono::milliseconds{info.tcpi_last_ack_recv}};
}

void AckWatch::update(const std::optional<AckSample>& sample, std::uint64_t sent, bool is_blocked,
                      SteadyTime now) {
  const auto outstanding = sample ? sample->outstanding : 0;
  const auto acknowledged = sent - std::min(sent, outstanding);
  const auto before = std::exchange(sampled_at_, now);
  // Whatever it was, it came after the sample before this one: probes of a closed window are
  // acknowledged too.
  const auto at = sample ? std::max(before, now - sample->since_last_ack) : now;
  if (acknowledged > acknowledged_) {
    acknowledged_ = acknowledged;
    last_ack_ = quiet_since_ = at;
  }
  // The time runs from when there is something to wait for.
  const bool was_outstanding = std::exchange(is_outstanding_, outstanding > 0 || is_blocked);
  if (!was_outstanding) quiet_since_ = now;
}

}  // namespace ace::clients
