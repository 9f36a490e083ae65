#include "shared/redis/endpoint.h"

#include <fmt/format.h>

namespace ace::redis {

std::string Endpoint::describe() const {
  if (!socket.empty()) return fmt::format("unix:{} db {}", socket, db);
  if (host.find(':') != std::string::npos) return fmt::format("[{}]:{} db {}", host, port, db);
  return fmt::format("{}:{} db {}", host, port, db);
}

}  // namespace ace::redis
