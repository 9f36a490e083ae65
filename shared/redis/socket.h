#pragma once

#include "shared/base/result.h"
#include "shared/base/unique_fd.h"
#include "shared/redis/address.h"

namespace ace::redis {

/// Begins to connect and returns at once: the socket becomes writable when it is decided.
[[nodiscard]] Result<UniqueFd> begin_connect(const Address& address);
/// How the connect ended.
[[nodiscard]] Status connect_outcome(int fd);

/// Close-on-exec, no Nagle delay for TCP.
void prepare_socket(int fd, bool is_tcp);

}  // namespace ace::redis
