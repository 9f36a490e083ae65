#include "workers/streams/session/stream_session.h"

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "workers/streams/session/local_process.h"

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kClaimRetry{100};

}  // namespace

StreamSession::StreamSession(StreamServices& services, proto::StreamId id, Listener& listener)
    : services_{services},
      id_{id},
      listener_{listener},
      window_{services.options.window},
      viewers_{services, id, window_, *this},
      lease_{id,
             services.worker_id,
             services.commands,
             services.timers,
             services.clock,
             services.options.lease,
             services.options.record_ttl,
             *this},
      retry_{services.timers.make()},
      grace_{services.timers.make()} {
  services_.events.subscribe(id_, *this);
}

StreamSession::~StreamSession() {
  if (state_ != StreamState::Closed) services_.events.unsubscribe(id_);
}

void StreamSession::start() { claim(); }

void StreamSession::add(NewViewer viewer) {
  grace_->stop();
  viewers_.add(std::move(viewer));
}

// --- states ---------------------------------------------------------------------------------

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
  if (state == StreamState::Following) {
    // Its callback may be what brought us here.
    services_.loop.post([done = std::shared_ptr{std::move(follower_)}] {});
  }
  if (state == StreamState::Owning) {
    --services_.me().owned_streams;
    grace_->stop();
    if (appender_) first_index_ = appender_->oldest();
    appender_.reset();
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
      first_index_ = index_.next();
      if (lease_.is_held()) start_appending();
      viewers_.record_missing();
      start_feed();
      if (viewers_.empty()) await_viewers();
      return;
    case StreamState::Following:
      start_following();
      return;
    case StreamState::Stopping:
      return;
    case StreamState::Closed:
      services_.events.unsubscribe(id_);
      services_.table().release(services_.board(), id_, services_.self);
      report_closed();
      return;
  }
}

void StreamSession::report_closed() { listener_.on_stream_closed(*this); }

// --- who owns it ----------------------------------------------------------------------------

void StreamSession::claim() {
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
  if (grant->owner != services_.self) {
    apply(StreamEvent::ClaimLost);
  } else if (services_.redis_is_up()) {
    claim_in_redis({});
  } else {
    own_without_redis();
  }
}

void StreamSession::claim_in_redis(std::vector<proto::WorkerId> known_dead) {
  const bool asked_for_dead = !known_dead.empty();
  lease_.claim(
      epoch_, index_, std::move(known_dead),
      guarded([asked_for_dead](StreamSession& self, const Result<ownership::ClaimResult>& claimed) {
        if (claimed) {
          self.on_claimed(*claimed, asked_for_dead);
        } else if (self.services_.redis_is_up()) {
          self.claim_later(kClaimRetry);  // unknown is never mine: ask again
        } else {
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
    // Somebody died while it took the stream apart: finish that, then begin anew.
    lease_.finish_teardown({1}, index_, guarded([](StreamSession& self, const Status&) {
                             self.claim_later(milliseconds{0});
                           }));
  } else if (claimed.is_stopping) {
    claim_later(kClaimRetry);
  } else if (!asked_for_dead && is_dead_process_here(claimed.owner, services_.worker_id)) {
    claim_in_redis({claimed.owner});
  } else {
    apply(StreamEvent::ClaimLost);
  }
}

void StreamSession::claim_later(milliseconds delay) {
  retry_->once(delay, [this] { claim(); });
}

void StreamSession::own_without_redis() {
  const auto now =
      std::chrono::duration_cast<milliseconds>(services_.clock.wall_now().time_since_epoch());
  // As the claim script does it, so that epochs go on growing when Redis is back.
  epoch_ =
      std::max<proto::OwnerEpoch>({epoch_.value + 1}, {static_cast<std::uint64_t>(now.count())});
  apply(StreamEvent::ClaimWon);
}

void StreamSession::look_for_owner() {
  const auto grant = services_.table().acquire(services_.board(), id_, services_.self);
  if (!grant || grant->owner != services_.self || !services_.redis_is_up()) return;
  // The host's part is ours; who owns it elsewhere shows when the claim is answered.
  if (std::exchange(is_claiming_lease_, true)) return;
  lease_.claim(epoch_, index_, {},
               [weak = weak_from_this()](const Result<ownership::ClaimResult>& claimed) {
                 const auto self = weak.lock();
                 if (!self) return;
                 self->is_claiming_lease_ = false;
                 if (!claimed || self->state_ != StreamState::Following) return;
                 if (claimed->is_mine) {
                   self->index_ = std::max(self->index_, claimed->index);
                   self->apply(StreamEvent::OwnerVanished);
                 } else if (is_dead_process_here(claimed->owner, self->services_.worker_id)) {
                   self->apply(StreamEvent::OwnerVanished);
                 }
               });
}

void StreamSession::regain_lease() {
  if (state_ != StreamState::Owning || lease_.is_held() || !services_.redis_is_up()) return;
  if (std::exchange(is_claiming_lease_, true)) return;
  lease_.claim(
      epoch_, index_, {}, [weak = weak_from_this()](const Result<ownership::ClaimResult>& claimed) {
        const auto self = weak.lock();
        if (!self) return;
        self->is_claiming_lease_ = false;
        if (!claimed || self->state_ != StreamState::Owning) return;
        if (!claimed->is_mine) {
          log::warn("ownership_lost", "stream={} to={}", self->id_.text(), claimed->owner.value);
          self->feed_->abandon();
          self->apply(StreamEvent::ClaimLost);
          return;
        }
        self->epoch_ = claimed->epoch;
        self->index_ = std::max(self->index_, claimed->index);
        self->start_appending();
        self->lease_.update(to_fields(self->record_));
      });
}

void StreamSession::on_lease_lost(const Error& why) {
  log::warn("lease_lost", "stream={} epoch={} why=\"{}\"", id_.text(), epoch_.value, why.text);
  // No commits from here on; our own viewers go on being fed while the claim is asked again.
  appender_.reset();
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
}

void StreamSession::tick() {
  viewers_.drop_stuck();
  switch (state_) {
    case StreamState::Owning:
      regain_lease();
      if (!is_watched() && !grace_->is_armed()) await_viewers();
      return;
    case StreamState::Following:
      look_for_owner();
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
      if (follower_) follower_->on_announced(event.epoch, event.index);
      return;
    case proto::EventType::Leaving:
    case proto::EventType::Stopped:
      if (state_ == StreamState::Following) look_for_owner();
      return;
    case proto::EventType::ClientConnected:
      grace_->stop();
      return;
    case proto::EventType::ClientDisconnected:
      if (state_ == StreamState::Owning && !is_watched()) await_viewers();
      return;
    case proto::EventType::OwnerChanged:
      if (follower_) follower_->on_owner_changed(event.epoch, event.index);
      return;
    case proto::EventType::StreamStarted:
    case proto::EventType::Stopping:
      return;
  }
}

void StreamSession::on_events_may_be_missing() {
  if (follower_) follower_->poll_now();
}

void StreamSession::on_viewer_left() {
  if (!viewers_.empty()) return;
  switch (state_) {
    case StreamState::Owning:
      if (!is_watched()) await_viewers();
      return;
    case StreamState::Claiming:
    case StreamState::Following:
      apply(StreamEvent::Abandoned);
      return;
    case StreamState::Stopping:
    case StreamState::Closed:
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
      raw->viewers_.record_missing();
      raw->look_for_owner();
    });
  });
}

void StreamSession::shut_down() {
  is_shutting_down_ = true;
  switch (state_) {
    case StreamState::Owning:
      feed_->stop();
      viewers_.finish();
      apply(StreamEvent::ViewersGone);
      tear_down(kTeardownTries);
      return;
    case StreamState::Claiming:
    case StreamState::Following:
      viewers_.refuse({.status = 503,
                       .code = "stopping",
                       .message = "the proxy is being stopped",
                       .engines = {}});
      apply(StreamEvent::Abandoned);
      return;
    case StreamState::Stopping:
      viewers_.finish();
      return;
    case StreamState::Closed:
      return;
  }
}

}  // namespace ace::streams
