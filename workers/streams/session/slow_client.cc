#include "workers/streams/session/slow_client.h"

#include <utility>

namespace ace::streams {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

SlowClient::News SlowClient::tick(const clients::ClientPace& pace, milliseconds burst,
                                  bool has_skipped, SteadyTime now, WallTime wall) {
  const auto beyond = pace.lag - pace.wanted - burst;
  const auto lag_before = std::exchange(last_lag_, pace.lag);
  const bool is_behind = beyond > milliseconds{0};
  if (!behind_since_) {
    if (!is_behind && !has_skipped) return News::None;
    behind_since_ = has_skipped ? now - lag_before : now;
    ticks_of_its_own_ = ticks_of_redis_ = 0;
  }
  ++(pace.pause == clients::ClientPause::Archive ? ticks_of_redis_ : ticks_of_its_own_);
  const auto lasted = duration_cast<milliseconds>(now - *behind_since_);
  const bool was_told = stall_ && !stall_->is_over;
  if (!is_behind) behind_since_.reset();
  // Media that comes after a pause is all behind for a moment.
  const bool is_stall = was_told || has_skipped || (beyond >= kBehind && lasted >= kBehind);
  if (!is_stall) return News::None;
  const bool is_redis = ticks_of_redis_ > ticks_of_its_own_;
  stall_ = Stall{.cause = is_redis ? StallCause::RedisSlow : StallCause::ClientSlow,
                 .lasted = lasted,
                 .since = wall - lasted,
                 .is_over = !is_behind};
  if (!is_behind) return News::Over;
  return was_told ? News::None : News::Begun;
}

}  // namespace ace::streams
