#include "workers/clients/client_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace ace::clients {
namespace {

/// Bytes that the kernel takes beyond what it may send now. Left to itself it would take 4 MiB of a
/// slow client, half a minute of a stream, before that client's lag showed. SO_SNDBUF would also
/// bound what is on its way, and so the rate over a long distance. More than a full chunk in its
/// framing (320 KiB), so that one still leaves in a single call.
constexpr int kMostUnsent = 384 << 10;

void set_option(int socket, int level, int option, int value) {
  // A socket that does not know an option (a unix one) is served without it.
  (void)::setsockopt(socket, level, option, &value, sizeof value);
}

}  // namespace

void tune_client_socket(int socket) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, kMostUnsent);
  // No TCP_USER_TIMEOUT: Linux (seen on 6.18) lets it run for as long as the peer's window is
  // smaller than the next segment, and so ends a slow reader that acknowledges all the time.
}

void reset_on_close(int socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  (void)::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

}  // namespace ace::clients
