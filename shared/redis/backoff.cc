#include "shared/redis/backoff.h"

#include <algorithm>

namespace ace::redis {

std::chrono::milliseconds Backoff::next(std::uint64_t random) {
  const auto least = std::max(ceiling_ / 2, kFirst);
  const auto room = static_cast<std::uint64_t>((ceiling_ - least).count()) + 1;
  const auto delay = least + std::chrono::milliseconds{random % room};
  ceiling_ = std::min(ceiling_ * 2, kLongest);
  return delay;
}

}  // namespace ace::redis
