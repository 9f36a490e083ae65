#include "workers/streams/session/stall.h"

#include <array>

namespace ace::streams {

std::string_view to_string(StallCause cause) {
  static constexpr std::array<std::string_view, kStallCauses> kWords{
      "engine_silent", "engine_starved", "engine_lost", "redis_slow",
      "redis_away",    "owner_silent",   "worker_busy", "client_slow"};
  return kWords[static_cast<std::size_t>(cause)];
}

}  // namespace ace::streams
