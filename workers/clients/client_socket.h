#pragma once

namespace ace::clients {

/// What every viewer's socket gets once: no Nagle delay, keepalive for while there is nothing to
/// send, and a bound on what waits in the kernel for a slow peer. Whether a peer takes what is sent
/// is for its session to watch.
void tune_client_socket(int socket);
/// For a peer that takes nothing: with the socket goes what the kernel holds for it, which would
/// else be tried for minutes.
void reset_on_close(int socket);

}  // namespace ace::clients
