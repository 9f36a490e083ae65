// StreamSession when its worker is replaced: the stream goes to the heir with its engine's socket,
// then the viewers follow it; and the same seen from the heir.

#include <algorithm>
#include <utility>
#include <vector>

#include "shared/log/log.h"
#include "workers/engines/stop_session.h"
#include "workers/streams/session/session_record.h"
#include "workers/streams/session/stream_session.h"

namespace ace::streams {
namespace {

using std::chrono::milliseconds;

/// Clients handed over in one go, so that neither worker keeps its others waiting.
constexpr std::size_t kBatch = 32;

/// For what was read last to be stored: reading rests meanwhile.
constexpr milliseconds kStoreWithin{500};

/// Until a stream that was refused, or could not be made ready, is offered again.
constexpr milliseconds kTryAgain{1'000};
constexpr unsigned kMostRefusals = 8;
constexpr std::chrono::hours kNever{24};

constexpr std::size_t kMostRecord = 64U << 10U;

std::vector<handover::Estate::Piece> pieces_of(const ChunkWindow& window) {
  std::vector<handover::Estate::Piece> pieces;
  for (auto at = window.oldest_known(); at < window.edge(); ++at.value) {
    const auto& item = *window.known_at(at);
    pieces.push_back({.epoch = item.epoch,
                      .index = item.index,
                      .arrived = item.arrived,
                      .media_time = item.media_time,
                      .random_access = item.random_access,
                      .chunk = item.chunk,
                      .print_size = item.print.size,
                      .print_hash = item.print.hash});
  }
  return pieces;
}

}  // namespace

// --- the worker that leaves -----------------------------------------------------------------

void StreamSession::move_to(host::WorkerRef heir) {
  if (is_shutting_down_) return;
  if (state_ == StreamState::Owning) return offer_estate(heir);
  if (state_ != StreamState::Following) return;
  auto passengers =
      broadcast_.viewers().release(Release::All, std::min(kBatch, services_.handover.room(heir)));
  if (passengers.empty()) return;
  log::info("clients_handed_over", "stream={} clients={} to_slot={}", id_.text(), passengers.size(),
            heir.slot);
  for (auto& passenger : passengers) {
    services_.handover.count_on_its_way(heir);
    services_.handover.offer(heir, std::move(passenger));
  }
  on_viewer_left();
}

void StreamSession::offer_estate(host::WorkerRef heir) {
  auto& mine = inheritance_;
  if (mine.is_away || !feed_ || is_claiming_lease_ || aliases_.is_asking()) return;
  if (services_.clock.now() < mine.next_try) return;
  // With Redis all that there is must be there; without it nobody else may have a say.
  if (lease_.is_held() ? appender_ == nullptr : services_.redis_is_up()) return;
  if (!feed_->rest()) return;
  if (!std::exchange(mine.is_preparing, true)) {
    mine.patience->once(kStoreWithin, [this] {
      inheritance_.is_preparing = false;
      inheritance_.next_try = services_.clock.now() + kTryAgain;
      if (feed_) feed_->resume();
    });
  }
  if (appender_ && !appender_->is_idle()) return;
  auto record = proto::to_lines(to_fields(record_), kMostRecord);
  if (record.empty() || !session_of(record_)) return;
  auto session = feed_->part();
  if (!session) return;
  mine.patience->stop();
  mine.is_preparing = false;
  mine.is_away = true;
  services_.loop.post([done = std::shared_ptr{std::move(feed_)}] {});
  auto estate = std::make_shared<handover::Estate>();
  estate->stream = id_;
  estate->from = services_.worker_id;
  estate->epoch = epoch_;
  estate->index = index_;
  estate->record = std::move(record);
  estate->session_made_at = session->made_at;
  estate->decoder = session->body.decoder;
  estate->unread = std::move(session->body.unread);
  estate->place = session->place;
  estate->pieces = pieces_of(broadcast_.window());
  services_.handover.offer(
      heir, {.socket = std::move(session->body.socket), .estate = std::move(estate)});
}

bool StreamSession::give_to(host::WorkerRef heir) {
  if (!inheritance_.is_away || state_ != StreamState::Owning || is_shutting_down_) return false;
  if (!services_.table().pass_on(services_.board(), id_, services_.self, heir)) return false;
  inheritance_.is_away = false;
  log::info("stream_handed_over", "stream={} index={} to_slot={}", id_.text(), index_.value,
            heir.slot);
  lease_.forget();
  follows_this_host_ = true;
  apply(StreamEvent::ClaimLost);
  on_viewer_left();
  return true;
}

// --- the heir -------------------------------------------------------------------------------

void StreamSession::inherit(handover::Passenger estate) {
  auto& mine = inheritance_;
  const bool is_ours = std::exchange(mine.is_away, false);
  const bool is_of_use = is_ours
                             ? state_ == StreamState::Owning
                             : state_ == StreamState::Claiming || state_ == StreamState::Following;
  if (!is_of_use) return;
  mine.is_unpacked = is_ours;
  if (!is_ours) mine.predecessor = {estate.estate->from};
  mine.estate = std::move(estate);
  if (is_ours) {
    mine.next_try = services_.clock.now() +
                    (++mine.refusals < kMostRefusals ? kTryAgain : milliseconds{kNever});
    log::warn("stream_not_taken", "stream={} refusals={}", id_.text(), mine.refusals);
    go_on_with_estate();
  } else if (state_ == StreamState::Following) {
    apply(StreamEvent::OwnerVanished);
  }
}

void StreamSession::unpack_estate() {
  if (!inheritance_.estate || std::exchange(inheritance_.is_unpacked, true)) return;
  const auto& estate = *inheritance_.estate->estate;
  broadcast_.inherit(estate.pieces);
  epoch_ = std::max(epoch_, estate.epoch);
  index_ = std::max(index_, estate.index);
}

void StreamSession::drop_estate() {
  const auto estate = std::exchange(inheritance_.estate, std::nullopt);
  if (!estate) return;
  // Ended before it was owned here: nobody else knows the session.
  const auto session = parse_session(estate->estate->record);
  if (session) engines::stop_session(services_.curl, services_.timers, *session, nullptr);
}

void StreamSession::go_on_with_estate() {
  auto passenger = *std::exchange(inheritance_.estate, std::nullopt);
  const auto& estate = *passenger.estate;
  record_ =
      proto::parse_stream_record(proto::parse_lines(estate.record)).value_or(proto::StreamRecord{});
  record_.state = proto::StreamState::Active;
  make_feed();
  log::info("stream_inherited", "stream={} epoch={} index={} from={}", id_.text(), epoch_.value,
            index_.value, estate.from.value);
  if (const auto info = session_of(record_)) {
    feed_->inherit({.info = *info,
                    .body = {.socket = std::move(passenger.socket),
                             .decoder = estate.decoder,
                             .unread = estate.unread},
                    .place = estate.place,
                    .made_at = estate.session_made_at});
  } else {
    feed_->start();
  }
  tell_details(host::StreamPhase::Streaming);
  lease_.update(to_fields(record_));
  announce_infohash();
}

}  // namespace ace::streams
