#include "workers/streams/session/stream_session.h"

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "workers/streams/session/local_process.h"
#include "workers/streams/session/session_record.h"

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kClaimRetry{100};

/// Claims that Redis refuses (read-only, no permission) before this host decides alone.
constexpr int kMaxFailedClaims = 20;

/// A host that only followed another one's stream waits so long for Redis before it opens a session
/// of its own.
constexpr milliseconds kFollowerPatience{10'000};

}  // namespace

StreamSession::StreamSession(StreamServices& services, proto::StreamId id,
                             SessionListener& listener)
    : services_{services},
      id_{id},
      listener_{listener},
      broadcast_{services, id, *this},
      succession_{services, id},
      orders_{services, id, *this},
      lease_{id,
             services.worker_id,
             services.commands,
             services.timers,
             services.clock,
             services.options.lease,
             services.options.record_ttl,
             *this},
      aliases_{id, services.worker_id, services.commands, services.clock,
               services.options.record_ttl},
      retry_{services.timers.make()},
      grace_{services.timers.make()} {
  services_.events.subscribe(id_, *this);
}

StreamSession::~StreamSession() {
  if (state_ != StreamState::Closed) services_.events.unsubscribe(id_);
}

bool StreamSession::is_gone() const {
  return state_ == StreamState::Closed && broadcast_.viewers().is_gone();
}

void StreamSession::start() {
  if (broadcast_.viewers().empty() && !inheritance_.estate) succession_.on_foreign();
  claim();
}

void StreamSession::add(NewViewer viewer) {
  grace_->stop();
  if (broadcast_.viewers().empty() && !viewer.cursor) succession_.on_first_viewer();
  if (viewer.is_redirected) aliases_.settle();
  broadcast_.viewers().add(std::move(viewer));
  feed_if_watched();
}

void StreamSession::apply(StreamEvent event) {
  const auto to = next(state_, event);
  if (!to) return;
  const auto from = state_;
  leave(from);
  state_ = *to;
  ++generation_;
  log::debug("stream_state", "stream={} from={} to={}", id_.text(), to_string(from),
             to_string(*to));
  enter(*to);
}

void StreamSession::leave(StreamState state) {
  retry_->stop();
  if (state == StreamState::Following) follower_.reset();
  if (state == StreamState::Owning) {
    --services_.me().owned_streams;
    grace_->stop();
    succession_.stop_reading();
    if (appender_) first_index_ = appender_->oldest();
    was_append_busy_ = appender_ && !appender_->is_idle();
    appender_.reset();
    note_room(true);
    if (std::exchange(upload_, nullptr)) is_claiming_lease_ = false;
    if (feed_) services_.loop.post([done = std::shared_ptr{std::move(feed_)}] {});
  }
}

void StreamSession::enter(StreamState state) {
  switch (state) {
    case StreamState::Claiming:
      claim();
      return;
    case StreamState::Owning:
      ++services_.me().owned_streams;
      succession_.on_owning();
      first_index_ = index_.next();
      committed_ = tried_ = index_;
      succession_.on_committed({});
      if (lease_.is_held()) {
        inheritance_.predecessor.clear();
        start_appending(index_);
      }
      broadcast_.viewers().record_missing();
      if (broadcast_.viewers().empty()) await_viewers();
      feed_if_watched();
      lease_.renew_now();  // whose clients are left, now that the old owner is gone?
      return;
    case StreamState::Following:
      succession_.on_foreign();
      start_following();
      broadcast_.viewers().record_missing();
      inheritance_.estate.reset();
      inheritance_.predecessor.clear();
      return;
    case StreamState::Stopping:
      return;
    case StreamState::Closed:
      drop_estate();
      services_.events.unsubscribe(id_);
      services_.table().release(services_.board(), id_, services_.self);
      listener_.on_stream_closed();
      return;
  }
}

void StreamSession::claim() {
  unpack_estate();
  if (is_claiming_lease_) {
    claim_later(kClaimRetry);
    return;
  }
  if (lease_.is_held()) {
    epoch_ = std::max(epoch_, lease_.epoch());
    apply(StreamEvent::ClaimWon);
    return;
  }
  const auto grant = services_.table().acquire(services_.board(), id_, services_.self);
  if (!grant) {
    fail({.status = 503, .code = "too_many_streams", .message = grant.error().text, .engines = {}});
    return;
  }
  epoch_ = std::max(epoch_, grant->epoch);
  index_ = std::max(index_, grant->index);
  follows_this_host_ = grant->owner != services_.self;
  succession_.on_granted(grant->session);
  if (follows_this_host_) {
    apply(StreamEvent::ClaimLost);
  } else if (services_.redis_is_up()) {
    claim_in_redis(inheritance_.predecessor);
  } else {
    own_without_redis();
  }
}

void StreamSession::claim_in_redis(std::vector<proto::WorkerId> known_dead) {
  const bool asked_for_dead = !known_dead.empty();
  claim_as_heir(
      std::move(known_dead),
      guarded([asked_for_dead](StreamSession& self, const Result<ownership::ClaimResult>& claimed) {
        if (claimed) {
          self.failed_claims_ = 0;
          self.on_claimed(*claimed, asked_for_dead);
        } else if (self.services_.redis_is_up() && ++self.failed_claims_ < kMaxFailedClaims) {
          self.claim_later(kClaimRetry);  // unknown is never mine: ask again
        } else {
          log::warn("claim_failed", "stream={} why={:?}: served without Redis", self.id_.text(),
                    claimed.error().text);
          self.own_without_redis();  // the host's own table decides
        }
      }));
}

void StreamSession::on_claimed(const ownership::ClaimResult& claimed, bool asked_for_dead) {
  if (claimed.is_mine) {
    epoch_ = claimed.epoch;
    index_ = claimed.index;
    if (!claimed.is_stopping) {
      apply(StreamEvent::ClaimWon);
      return;
    }
    finish_foreign_teardown([](StreamSession& self) { self.claim_later(milliseconds{0}); });
  } else if (claimed.is_stopping) {
    claim_later(kClaimRetry);
  } else if (!asked_for_dead && is_dead_process_here(claimed.owner, services_.worker_id)) {
    claim_in_redis({claimed.owner});
  } else {
    apply(StreamEvent::ClaimLost);
  }
}

void StreamSession::claim_later(milliseconds delay) {
  if (broadcast_.viewers().empty() && !inheritance_.estate) {
    apply(StreamEvent::Abandoned);  // an orphan: whoever looks for them comes again
    return;
  }
  retry_->once(delay, [this] { claim(); });
}

void StreamSession::own_without_redis() {
  succession_.own_alone(services_.redis_is_up());
  const auto now =
      std::chrono::duration_cast<milliseconds>(services_.clock.wall_now().time_since_epoch());
  // As the claim script does it, so that epochs go on growing when Redis is back.
  epoch_ =
      std::max<proto::OwnerEpoch>({epoch_.value + 1}, {static_cast<std::uint64_t>(now.count())});
  apply(StreamEvent::ClaimWon);
}

void StreamSession::finish_foreign_teardown(std::function<void(StreamSession&)> then) {
  // Somebody died, or lost Redis, while it took the stream apart: nobody can join until that is
  // finished, and then the stream begins anew.
  lease_.finish_teardown({1}, index_,
                         guarded([then](StreamSession& self, const Status&) { then(self); }));
}

bool StreamSession::may_own_without_redis() const {
  // An owner of this host is known to be gone. One of another host may well be alive: give Redis
  // time to come back and tell.
  return follows_this_host_ || services_.clock.now() - services_.redis_heard > kFollowerPatience;
}

void StreamSession::on_lease_regained(const ownership::ClaimResult& claimed) {
  if (state_ == StreamState::Following) {
    on_owner_found(claimed);
    return;
  }
  if (state_ != StreamState::Owning) {
    // Torn down meanwhile: what the claim wrote must not stay. A new claim takes what it won.
    if (claimed.is_mine && state_ != StreamState::Claiming) {
      end_in_redis_and_claim(first_index_);
    }
    return;
  }
  if (!claimed.is_mine) {
    log::warn("ownership_lost", "stream={} to={:?}", id_.text(), claimed.owner.value);
    if (feed_) feed_->abandon();
    succession_.step_down(broadcast_.window(), claimed.index);
    forget_session();
    apply(StreamEvent::ClaimLost);
    return;
  }
  if (claimed.is_stopping) {
    end_in_redis_and_claim({1});
    return;
  }
  succession_.own_alone(false);
  inheritance_.predecessor.clear();
  epoch_ = claimed.epoch;
  start_appending(claimed.index);
  index_ = std::max(index_, claimed.index);
  lease_.update(to_fields(record_));
  announce_infohash();
  broadcast_.viewers().record_missing();
}

void StreamSession::on_lease_lost(const Error& why) {
  log::warn("lease_lost", "stream={} epoch={} why={:?}", id_.text(), epoch_.value, why.text);
  // No commits from here on; our own viewers go on being fed while the claim is asked again.
  drop_appender();
  services_.loop.post([weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->regain_lease();
  });
}

// --- what the rest of the world says --------------------------------------------------------

void StreamSession::on_redis_up() {
  if (appender_) appender_->on_redis_up();
  regain_lease();
  if (state_ == StreamState::Following) look_for_owner();
}

void StreamSession::on_worker_died() {
  if (state_ == StreamState::Following) look_for_owner();
  lease_.renew_now();
}

void StreamSession::tick() {
  broadcast_.tick({.is_owner = state_ == StreamState::Owning,
                   .is_redis_up = services_.redis_is_up(),
                   .is_held_back = feed_ && feed_->is_paused(),
                   .has_session = !record_.playback_url.empty(),
                   .is_swarm_dry = is_swarm_dry(record_)});
  orders_.obey();
  answer_overdue();
  switch (state_) {
    case StreamState::Owning:
      if (is_shutting_down_) return;
      if (broadcast_.story().tell(record_)) {
        tell_details(phase_of(record_));
        lease_.update(to_fields(record_));
      }
      keep_grant();
      if (feed_) orders_.tend(feed_->engine_id());
      return;
    case StreamState::Following:
      if (broadcast_.viewers().empty()) {
        apply(StreamEvent::Abandoned);  // an orphan that found its owner
        return;
      }
      if (const auto failure = services_.table().failure_of(id_, services_.clock.now())) {
        broadcast_.viewers().refuse(parse_start_failure(*failure));
        apply(StreamEvent::Abandoned);
        return;
      }
      if (is_given_to_film()) return;
      if (is_untouched()) {
        const auto played = services_.table().played_as(id_);
        if (played != id_) {
          give_way(played);
          return;
        }
      }
      look_for_owner();
      hand_viewers_over();
      return;
    case StreamState::Claiming:
    case StreamState::Stopping:
    case StreamState::Closed:
      return;
  }
}

void StreamSession::on_event(const proto::Event& event) {
  switch (event.type) {
    case proto::EventType::Chunk:
      if (!follower_) return;
      broadcast_.expect(event.index);
      follower_->on_announced(event.epoch, event.index);
      return;
    case proto::EventType::Leaving:
    case proto::EventType::Stopped:
      if (state_ == StreamState::Following && !is_given_to_film()) look_for_owner();
      return;
    case proto::EventType::ClientConnected:
      grace_->stop();
      if (state_ == StreamState::Owning && !feed_) start_feed();
      return;
    case proto::EventType::ClientDisconnected:
      if (state_ == StreamState::Owning && !is_watched()) await_viewers();
      return;
    case proto::EventType::OwnerChanged:
      if (follower_) follower_->on_owner_changed(event.epoch, event.index);
      return;
    case proto::EventType::StreamStarted:
    case proto::EventType::EngineChanged:
    case proto::EventType::Stopping:
      return;
    case proto::EventType::Migrate:
    case proto::EventType::End:
    case proto::EventType::Kick:
    case proto::EventType::Yield:
      orders_.on_event(event);
      return;
  }
}

void StreamSession::on_events_may_be_missing() {
  if (follower_) follower_->poll_now();
}

void StreamSession::on_viewer_left() {
  if (!broadcast_.viewers().empty()) return;
  switch (state_) {
    case StreamState::Owning:
      if (!is_watched()) await_viewers();
      return;
    case StreamState::Claiming:
    case StreamState::Following:
      if (!inheritance_.estate) apply(StreamEvent::Abandoned);
      return;
    case StreamState::Stopping:
      return;
    case StreamState::Closed:
      listener_.on_stream_closed();  // its last one, perhaps
      return;
  }
}

void StreamSession::on_join_refused() {
  // The stream is being taken apart by its owner. Its end frees the grant; whoever gets that
  // records its viewers anew. As a follower we only have to be told again.
  services_.loop.post([weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self || self->state_ != StreamState::Following) return;
    self->retry_->once(kClaimRetry, [raw = self.get()] {
      raw->broadcast_.viewers().record_missing();
      raw->look_for_owner();
    });
  });
}

}  // namespace ace::streams
