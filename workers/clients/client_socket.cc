#include "workers/clients/client_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace ace::clients {
namespace {

void set_option(int socket, int level, int option, int value) {
  // A socket that does not know an option (a unix one) is served without it.
  (void)::setsockopt(socket, level, option, &value, sizeof value);
}

}  // namespace

void tune_client_socket(int socket, std::chrono::milliseconds user_timeout) {
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(user_timeout.count()));
}

}  // namespace ace::clients
