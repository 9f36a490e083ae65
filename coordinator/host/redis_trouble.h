#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace ace::host {

/// What keeps a worker from using Redis as it needs to.
enum class RedisTrouble : std::uint32_t {
  None,
  Away,          ///< no connection, or no answer
  TooOld,        ///< it does not know the scripts' form
  Cluster,       ///< cluster mode, or a Sentinel: not a single server
  Replica,       ///< takes no writes
  NotPermitted,  ///< the user may not do something that is needed
  NoCommand,     ///< a command was renamed or removed
  Refusing,      ///< a command fails for another reason
  Deaf,          ///< what is published is not heard
  Full,          ///< it is used, but has no memory for chunks
};
inline constexpr std::size_t kRedisTroubles = 10;

/// As metrics and pages name it.
[[nodiscard]] constexpr std::string_view to_string(RedisTrouble trouble) {
  constexpr std::array<std::string_view, kRedisTroubles> kNames{
      "none",          "away",       "too_old",  "cluster", "replica",
      "not_permitted", "no_command", "refusing", "deaf",    "full"};
  const auto at = static_cast<std::size_t>(trouble);
  return at < kNames.size() ? kNames[at] : std::string_view{"unknown"};
}

}  // namespace ace::host
