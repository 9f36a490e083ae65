// The part of StreamSession that takes over what somebody else has left: claims behind owners that
// died, streams that nobody watches any more, grants that another worker took meanwhile.

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "workers/engines/stop_session.h"
#include "workers/streams/session/local_process.h"
#include "workers/streams/session/recorded_session.h"
#include "workers/streams/session/session_record.h"
#include "workers/streams/session/stream_session.h"

namespace ace::streams {
namespace {

/// What counts is the moment in which a dead host's lease ends: its viewers have waited for that.
constexpr std::chrono::milliseconds kLookAgain{100};

}  // namespace

void StreamSession::claim_as_heir(std::vector<proto::WorkerId> known_dead,
                                  ownership::ClaimCallback callback) {
  // An answer that nobody waited for is old by now. Both questions are on their way at once: the
  // second one's answer finds the first one's there.
  static_cast<void>(aliases_.take_found());
  if (!broadcast_.viewers().empty() && is_untouched()) aliases_.look_up();
  services_.incarnation.ask([weak = weak_from_this(), asked = generation_,
                             known_dead = std::move(known_dead),
                             callback = std::move(callback)](bool may_claim) {
    const auto self = weak.lock();
    if (!self) return;
    if (self->generation_ != asked) {
      callback(ace::fail(Errc::Closed, "claim: not wanted any more"));
    } else if (const auto other = self->aliases_.take_found()) {
      self->give_way(*other);
      callback(ace::fail(Errc::Closed, "claim: another stream plays the same"));
    } else if (may_claim) {
      self->lease_.claim(self->epoch_, self->index_, known_dead, callback);
    } else {
      // Nobody's, as far as Redis knows, but perhaps an owner's that has not said so yet: as with a
      // stream that is stopping, ask again.
      ownership::ClaimResult wait;
      wait.is_stopping = true;
      callback(wait);
    }
  });
}

void StreamSession::look_for_owner() {
  orders_.obey();  // a stream that was ended is not to be claimed for those who watched it
  if (state_ != StreamState::Following) return;
  const bool is_urgent = broadcast_.is_silent() && !retry_->is_armed();
  if (is_urgent) retry_->once(kLookAgain, [this] { look_for_owner(); });
  const auto grant = services_.table().acquire(services_.board(), id_, services_.self);
  if (!grant) return;
  if (grant->owner != services_.self) {
    follows_this_host_ = true;
    return;
  }
  succession_.on_granted(grant->session);
  if (!services_.redis_is_up()) {
    if (may_own_without_redis()) apply(StreamEvent::OwnerVanished);
    return;
  }
  // The host's part is ours; who owns it elsewhere shows when the claim is answered.
  if (std::exchange(is_claiming_lease_, true)) return;
  claim_as_heir({}, [weak = weak_from_this()](const Result<ownership::ClaimResult>& claimed) {
    const auto self = weak.lock();
    if (!self) return;
    self->is_claiming_lease_ = false;
    if (claimed) self->on_owner_found(*claimed);
  });
}

void StreamSession::on_owner_found(const ownership::ClaimResult& claimed) {
  if (state_ != StreamState::Following) return;
  if (!claimed.is_mine) {
    follows_this_host_ = false;
    if (is_dead_process_here(claimed.owner, services_.worker_id)) {
      apply(StreamEvent::OwnerVanished);
    } else {
      forget_session();
    }
    return;
  }
  // The claim that follows meets a teardown again, and finishes it.
  if (claimed.is_stopping) lease_.forget();
  index_ = std::max(index_, claimed.index);
  apply(StreamEvent::OwnerVanished);
}

void StreamSession::feed_if_watched() {
  const bool is_wanted = is_watched() || inheritance_.estate;
  if (state_ == StreamState::Owning && !feed_ && is_wanted) start_feed();
}

void StreamSession::stop_engine() {
  if (feed_) {
    feed_->stop();
  } else if (inheritance_.is_away) {
    const auto session = session_of(record_);
    if (session) engines::stop_session(services_.curl, services_.timers, *session, nullptr);
  } else if (lease_.is_held()) {
    stop_recorded_session(services_, id_);
  }
}

void StreamSession::keep_grant() {
  // While this worker stood still, another one may have taken the stream in the host's table
  // without being granted it by Redis. The two must agree again: Redis decides.
  if (lease_.may_write()) services_.table().confirm(id_, services_.self);
  regain_lease();
  if (!lease_.is_held() && !services_.redis_is_up()) {
    // Without Redis the host's table alone decides. We may have stood still, and were replaced.
    const auto grant = services_.table().acquire(services_.board(), id_, services_.self);
    if (grant && grant->owner != services_.self) {
      log::warn("ownership_lost", "stream={} to_slot={}", id_.text(), grant->owner.slot);
      follows_this_host_ = true;
      if (feed_) feed_->abandon();
      apply(StreamEvent::ClaimLost);
      return;
    }
  }
  feed_if_watched();
  if (!is_watched() && !grace_->is_armed()) await_viewers();
}

}  // namespace ace::streams
