#pragma once

#include <chrono>

namespace ace::clients {

/// What every viewer's socket gets once: no Nagle delay, keepalive, an end for connections whose
/// peer has vanished without a word, and a bound on what waits in the kernel for a slow peer.
void tune_client_socket(int socket, std::chrono::milliseconds user_timeout);

}  // namespace ace::clients
