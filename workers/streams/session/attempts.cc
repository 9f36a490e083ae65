#include "workers/streams/session/attempts.h"

#include <algorithm>
#include <utility>

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLastPause{8'000};

/// Kept for viewers' error answers; a stream without engines may fail for days.
constexpr std::size_t kMostFailures = 32;

}  // namespace

void Attempts::note_failure(std::string engine_id, const Error& why, SteadyTime now,
                            std::chrono::nanoseconds lasted) {
  if (lasted > kGoodSession) forget();
  if (failures_.empty()) failing_since_ = now;
  if (failures_.size() == kMostFailures) failures_.erase(failures_.begin());
  tried_.insert(engine_id);
  failures_.push_back({.engine_id = std::move(engine_id), .error = why});
}

void Attempts::forget() {
  failures_.clear();
  tried_.clear();
  rounds_ = 0;
}

milliseconds Attempts::begin_round() {
  tried_.clear();
  const auto pause = std::min(kLastPause, kFirstPause * (1U << std::min(rounds_, 5U)));
  ++rounds_;
  return pause;
}

bool Attempts::is_hopeless(SteadyTime now) const {
  return !failures_.empty() && now - failing_since_ > give_up_;
}

}  // namespace ace::streams
