#include <algorithm>

#include "workers/streams/session/stream_services.h"

namespace ace::streams {

FollowLimits StreamOptions::follow_limits(std::chrono::milliseconds delay) const {
  auto limits = follower;
  if (delay.count() == 0) return limits;
  const auto chunks = delay / std::max(feed.chunk.max_age, std::chrono::milliseconds{1});
  limits.initial_behind += static_cast<std::size_t>(chunks);
  limits.initial_bytes = buffer.bytes;
  return limits;
}

FollowLimits StreamOptions::reach_limits() const {
  auto limits = follow_limits(std::max(reach.span - join_burst, std::chrono::milliseconds{1}));
  limits.initial_bytes = reach.bytes;
  return limits;
}

clients::ClientRate StreamOptions::client_rate(std::uint64_t bits_per_second) const {
  auto cap = bits_per_second * rate_factor;
  if (max_bitrate > 0 && (cap == 0 || cap > max_bitrate)) cap = max_bitrate;
  if (cap == 0) return {};
  const auto burst = std::chrono::duration<double>{std::max(rate_burst, join_burst)};
  const auto rate = bits_per_second > 0 ? bits_per_second : cap;
  return {.bytes_per_second = std::max<std::uint64_t>(cap / 8, 1),
          .burst = static_cast<std::uint64_t>(static_cast<double>(rate) / 8 * burst.count())};
}

}  // namespace ace::streams
