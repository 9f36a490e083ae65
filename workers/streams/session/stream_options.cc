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

}  // namespace ace::streams
