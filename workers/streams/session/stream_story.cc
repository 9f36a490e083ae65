#include "workers/streams/session/stream_story.h"

#include <algorithm>
#include <utility>

#include "shared/log/log.h"

namespace ace::streams {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr std::size_t at(StartPhase phase) { return static_cast<std::size_t>(phase); }

std::uint64_t count(milliseconds time) { return static_cast<std::uint64_t>(time.count()); }

}  // namespace

StallCause cause_of(const StallFacts& facts) {
  using enum StallCause;
  if (!facts.is_owner) {
    if (!facts.is_redis_up) return RedisAway;
    return facts.is_fetching ? RedisSlow : OwnerSilent;
  }
  if (facts.is_held_back) return RedisSlow;
  if (!facts.has_session) return EngineLost;
  return facts.is_swarm_dry ? EngineStarved : EngineSilent;
}

// --- the start ------------------------------------------------------------------------------

void StreamStory::on_start(SteadyTime now) {
  asked_at_ = phase_began_ = now;
  phases_ = {};
  last_media_.reset();
  stall_.reset();
  is_news_ = true;
}

void StreamStory::on_phase(StartPhase phase, SteadyTime now) {
  if (!asked_at_) return;
  // An engine that failed, and the next one: its phases are the ones that led to the picture.
  const auto begun = phases_.begin() + static_cast<std::ptrdiff_t>(at(phase));
  if (*begun > milliseconds{0} && phase != StartPhase::Pick) return;
  std::fill(begun, phases_.end(), milliseconds{0});
  // Rounded up: what took no time has been, too.
  phases_[at(phase)] = std::chrono::ceil<milliseconds>(now - std::exchange(phase_began_, now));
  phases_[at(phase)] = std::max(phases_[at(phase)], milliseconds{1});
  if (phase != StartPhase::RandomAccess) return;
  whole_start_ = duration_cast<milliseconds>(now - *asked_at_);
  asked_at_.reset();
  is_news_ = true;
  log_start();
}

void StreamStory::log_start() const {
  log::info("stream_timeline",
            "stream={} pick_ms={} getstream_ms={} headers_ms={} first_byte_ms={} "
            "random_access_ms={} whole_ms={}",
            id_.text(), phases_[0].count(), phases_[1].count(), phases_[2].count(),
            phases_[3].count(), phases_[4].count(), whole_start_.count());
}

// --- stalls ---------------------------------------------------------------------------------

void StreamStory::charge(StallCause cause, SteadyTime now) {
  const auto passed = now - std::exchange(charged_until_, now);
  if (cause == StallCause::RedisAway && last_cause_ != cause) charge_redis();
  last_cause_ = passed > kLate ? StallCause::WorkerBusy : cause;
  charged_[static_cast<std::size_t>(last_cause_)] += passed;
}

void StreamStory::charge_redis() {
  std::chrono::nanoseconds rest = kUnnoticed;
  for (const auto guess : {StallCause::OwnerSilent, StallCause::RedisSlow}) {
    auto& guessed = charged_[static_cast<std::size_t>(guess)];
    const auto part = std::min(rest, guessed);
    charged_[static_cast<std::size_t>(StallCause::RedisAway)] += part;
    guessed -= part;
    rest -= part;
  }
}

void StreamStory::on_media(SteadyTime now, WallTime wall) {
  if (last_media_ && now - *last_media_ >= kStall) {
    charge(last_cause_, now);
    note_stall(now, wall, true);
    log::warn("stream_stall_over", "stream={} cause={} lasted_ms={}", id_.text(),
              to_string(stall_->cause), stall_->lasted.count());
  }
  last_media_ = charged_until_ = now;
  charged_ = {};
  is_long_told_ = false;
}

void StreamStory::tick(SteadyTime now, WallTime wall, const StallFacts& facts) {
  if (!last_media_) return;
  charge(cause_of(facts), now);
  if (now - *last_media_ < kStall) return;
  note_stall(now, wall, false);
  if (now - *last_media_ < kLongStall || std::exchange(is_long_told_, true)) return;
  log::warn("stream_stalled", "stream={} cause={} for_ms={}", id_.text(), to_string(stall_->cause),
            stall_->lasted.count());
}

void StreamStory::note_stall(SteadyTime now, WallTime wall, bool is_over) {
  const auto most = std::ranges::max_element(charged_);
  const auto lasted = duration_cast<milliseconds>(now - *last_media_);
  stall_ = Stall{.cause = static_cast<StallCause>(most - charged_.begin()),
                 .lasted = lasted,
                 .since = wall - lasted,
                 .is_over = is_over};
  is_news_ = true;
}

bool StreamStory::tell(proto::StreamRecord& record) {
  record.start_pick_ms = count(phases_[0]);
  record.start_getstream_ms = count(phases_[1]);
  record.start_headers_ms = count(phases_[2]);
  record.start_first_byte_ms = count(phases_[3]);
  record.start_random_access_ms = count(phases_[4]);
  record.stall_cause = stall_ ? to_string(stall_->cause) : "";
  record.stall_ms = stall_ ? count(stall_->lasted) : 0;
  record.stall_time = stall_ ? unix_seconds(stall_->since) : 0;
  record.is_stalled = stall_ && !stall_->is_over;
  return std::exchange(is_news_, false);
}

}  // namespace ace::streams
