#include "workers/streams/session/stall.h"

#include <algorithm>
#include <array>

namespace ace::streams {
namespace {

constexpr std::array<std::string_view, kStallCauses> kWords{
    "engine_silent", "engine_starved", "engine_lost", "redis_slow",
    "redis_away",    "owner_silent",   "worker_busy", "client_slow"};

}  // namespace

std::string_view to_string(StallCause cause) { return kWords[static_cast<std::size_t>(cause)]; }

std::optional<StallCause> parse_stall_cause(std::string_view word) {
  const auto* const found = std::ranges::find(kWords, word);
  if (found == kWords.end()) return std::nullopt;
  return static_cast<StallCause>(found - kWords.begin());
}

}  // namespace ace::streams
