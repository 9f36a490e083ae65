// StreamSession when Redis goes away or is full, and comes back: a follower's viewers go where
// their chunks are, an owner takes its stream back into a Redis that may have forgotten it.

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "workers/streams/session/stream_session.h"

namespace ace::streams {
namespace {

/// What an owner tells of its engines is worth a moment: followers learn it with their next tick.
constexpr std::chrono::milliseconds kOwnersFirst{1'000};

}  // namespace

void StreamSession::hand_viewers_over() {
  if (state_ != StreamState::Following || !follows_this_host_) return;
  const auto silent = services_.clock.now() - services_.redis_heard;
  const bool is_away = silent >= services_.options.redis_silence;
  if (!is_away && !(misses_chunks_ && services_.redis_is_full())) return;
  const auto stream = services_.table().find(services_.board(), id_);
  if (!stream || stream->owner.generation == 0 || stream->owner == services_.self) return;
  auto passengers =
      broadcast_.viewers().release(Release::Drained, services_.handover.room(stream->owner));
  if (passengers.empty()) return;
  log::info("clients_handed_over", "stream={} clients={} to_slot={} cause={} silent_ms={}",
            id_.text(), passengers.size(), stream->owner.slot,
            is_away ? "redis_away" : "redis_full",
            std::chrono::duration_cast<std::chrono::milliseconds>(silent).count());
  for (auto& passenger : passengers) {
    services_.handover.count_on_its_way(stream->owner);
    services_.handover.offer(stream->owner, std::move(passenger));
  }
  on_viewer_left();
}

void StreamSession::answer_overdue() {
  const auto now = services_.clock.now();
  const auto limit = services_.options.feed.start;
  // An owner's feed answers by itself, and says more: this is for when even that does not.
  const auto patience = state_ == StreamState::Owning ? 2 * limit : limit + kOwnersFirst;
  const auto failure = state_ == StreamState::Following ? owner_silent(limit) : no_owner(limit);
  if (broadcast_.viewers().refuse_overdue(now - patience, failure)) {
    log::warn("viewers_unserved", "stream={} state={} code={} why={:?}", id_.text(),
              to_string(state_), failure.code, failure.message);
    on_viewer_left();
  }
  if (state_ != StreamState::Following) return;
  const auto silent = now - std::max(broadcast_.last_media(), followed_since_);
  if (silent < services_.options.feed.give_up) return;
  fail(owner_silent(services_.options.feed.give_up));
}

void StreamSession::regain_lease() {
  if (state_ != StreamState::Owning || lease_.is_held() || !services_.redis_is_up()) return;
  if (std::exchange(is_claiming_lease_, true)) return;
  upload_ = std::make_unique<WindowUpload>(
      id_, services_.chunks, broadcast_.window(), proto::ChunkCursor{lease_.epoch(), tried_},
      UploadLimits{.bytes_in_flight = services_.options.appender.bytes_in_flight,
                   .chunk_ttl = services_.options.appender.chunk_ttl},
      [this](const Result<UploadOutcome>& uploaded) {
        const auto done = std::exchange(upload_, nullptr);
        if (uploaded) {
          claim_again(*uploaded);
        } else {
          is_claiming_lease_ = false;  // the next tick tries again
        }
      });
}

void StreamSession::claim_again(UploadOutcome found) {
  // Where Redis knows the stream as it was, it takes what it has not got yet. Where it forgot,
  // indices must not go back behind what followers have: they would take it for another stream and
  // begin anew. Where somebody else owned it, what came here meanwhile is not what came there.
  auto index = index_;
  if (found == UploadOutcome::Unchanged) index = committed_;
  if (found == UploadOutcome::Uploaded) index = tried_;
  lease_.claim(epoch_, index, inheritance_.predecessor,
               [weak = weak_from_this()](const Result<ownership::ClaimResult>& claimed) {
                 const auto self = weak.lock();
                 if (!self) return;
                 self->is_claiming_lease_ = false;
                 if (claimed) self->on_lease_regained(*claimed);
               });
}

}  // namespace ace::streams
