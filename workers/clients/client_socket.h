#pragma once

#include <chrono>

namespace ace::clients {

/// What every viewer's socket gets once: no Nagle delay, keepalive, and an end for connections
/// whose peer has vanished without a word.
void tune_client_socket(int socket, std::chrono::milliseconds user_timeout);

}  // namespace ace::clients
