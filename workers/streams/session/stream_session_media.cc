// The media half of StreamSession: where the chunks of a stream come from (the engine as owner,
// Redis as follower), how they reach viewers and Redis, and how an owned stream ends.

#include <algorithm>
#include <utility>

#include "shared/log/log.h"
#include "workers/streams/session/session_record.h"
#include "workers/streams/session/stream_session.h"

namespace ace::streams {
namespace {

/// Attempts to end a stream for which Redis still names clients: those of other workers that are
/// leaving too. After that it is left to them.
constexpr int kTeardownTries = 20;
constexpr std::chrono::milliseconds kTeardownRetry{100};
/// Of these, so many for leaves of this host's other workers to arrive.
constexpr int kTriesForOurs = 3;

}  // namespace

// --- owning ---------------------------------------------------------------------------------

void StreamSession::start_feed() {
  if (inheritance_.is_away) return;
  if (inheritance_.estate) return go_on_with_estate();
  record_ = {};
  record_.content_id = id_.text();
  // What the host knows it goes on knowing, should this owner die as well.
  if (const auto known = succession_.known_session()) set_session(record_, *known);
  tell_details(host::StreamPhase::Starting);
  make_feed();
  succession_.read_heritage(
      broadcast_.window(), index_, lease_.is_held(),
      guarded([](StreamSession& self, Heritage heritage) { self.take_over(std::move(heritage)); }));
}

void StreamSession::make_feed() {
  FeedPorts ports{
      .may_command = [this] { return succession_.may_command(lease_); },
      .may_stop = [this] { return succession_.may_stop(lease_); },
      .tail = [this] { return tail_of(broadcast_.window()); },
      .on_fault =
          [this](host::EngineFault fault, const Error& why) {
            ++services_.me().engine_faults[static_cast<std::size_t>(fault)];
            // That another owner's session cannot be gone on with is no news.
            if (fault == host::EngineFault::Adopt) return;
            set_error(record_, why.text, services_.clock.wall_now());
            tell_details(phase_of(record_));
            lease_.update(to_fields(record_));
          },
      .on_phase =
          [this](StartPhase phase) { broadcast_.story().on_phase(phase, services_.clock.now()); }};
  feed_ = std::make_unique<EngineFeed>(
      services_.curl, services_.timers, services_.clock, services_.engines, services_.selector,
      std::move(ports), id_, services_.options.feed, static_cast<EngineFeed::Listener&>(*this));
}

void StreamSession::take_over(Heritage heritage) {
  if (heritage.was_delayed && !is_watched()) {  // whoever asked has left: no engine hears of it
    feed_.reset();
    return;
  }
  for (auto& piece : heritage.chunks) {
    if (piece.is_behind_gap) broadcast_.expect_gap();
    broadcast_.push(piece.epoch, piece.index, std::move(piece.chunk),
                    opening_with(&piece == &heritage.chunks.back()));
  }
  if (broadcast_.window().empty()) broadcast_.story().on_start(services_.clock.now());
  if (heritage.session) {
    set_session(record_, *heritage.session);
    tell_details(host::StreamPhase::Starting);
  }
  feed_->start(std::move(heritage.session), succession_.waited());
}

void StreamSession::start_appending(proto::ChunkIndex committed) {
  skipped_counted_ = 0;
  succession_.on_committed(committed);
  appender_ = std::make_unique<ChunkAppender>(
      ChunkAppender::Grant{.stream = id_,
                           .self = services_.worker_id,
                           .epoch = epoch_,
                           .index = committed,
                           .may_write = [this] { return lease_.may_write(); }},
      services_.chunks, services_.timers, services_.options.appender,
      static_cast<ChunkAppender::Listener&>(*this));
  committed_ = tried_ = committed;
  // What came while nobody could commit. Of a long time without, the window has only the end.
  for (auto at = broadcast_.window().oldest(); at < broadcast_.window().edge(); ++at.value) {
    const auto& item = *broadcast_.window().at(at);
    if (item.index > committed && item.index <= index_) appender_->append(item.index, item.chunk);
  }
}

void StreamSession::drop_appender() {
  if (appender_) tried_ = appender_->tried();
  appender_.reset();
  note_room(true);
  // Whatever it held the engine back for is over.
  if (feed_) feed_->resume();
}

void StreamSession::on_feed_chunk(proto::ChunkPtr chunk, SteadyTime arrived) {
  const auto index = index_.next();
  const auto size = chunk->size();
  if (appender_) appender_->append(index, chunk);
  // Whoever has got a byte cannot be moved any more.
  index_ = index;
  begins_here_ = begins_here_ || broadcast_.window().empty();
  auto opening = clients::Opening::Nothing;
  if (!aliases_.is_asking()) {
    opening =
        std::exchange(begins_here_, false) ? clients::Opening::Anything : clients::Opening::Live;
  }
  broadcast_.push(epoch_, index, std::move(chunk), opening);
  broadcast_.viewers().begin_with_newest();
  if (!broadcast_.viewers().empty()) {
    services_.me().packet_age.add(services_.clock.now() - arrived);
  }
  services_.table().advance(id_, services_.self, epoch_, index);
  services_.me().bytes_from_engines += size;
  record_.total_bytes += size;
  if (record_.bitrate == 0 && broadcast_.bits_per_second() > 0) {
    record_.bitrate = broadcast_.bits_per_second();
    lease_.update(to_fields(record_));
  }
  if (record_.state == proto::StreamState::Active) return;
  if (std::exchange(record_.state, proto::StreamState::Active) == proto::StreamState::Buffering) {
    log::info("stream_well_again", "stream={} engine={}", id_.text(), record_.engine_id);
    lease_.update(to_fields(record_));
    return;
  }
  log::info("stream_started", "stream={} engine={} epoch={}", id_.text(), record_.engine_id,
            epoch_.value);
  tell_details(host::StreamPhase::Streaming);
  lease_.update(to_fields(record_));
  services_.events.publish(id_, {.type = proto::EventType::StreamStarted,
                                 .epoch = epoch_,
                                 .index = index,
                                 .worker = services_.worker_id});
}

void StreamSession::fail(const StartFailure& failure) {
  log::warn("stream_failed", "stream={} status={} code={} why={:?}", id_.text(), failure.status,
            failure.code, failure.message);
  // For the viewers of other workers too, and for those who ask again at once.
  services_.table().remember_failure(services_.board(), id_,
                                     services_.clock.now() + services_.options.remember_failure,
                                     to_text(failure));
  broadcast_.viewers().refuse(failure);
  end_without_viewers();
}

void StreamSession::end_without_viewers() {
  if (state_ == StreamState::Owning) {
    apply(StreamEvent::ViewersGone);
    tear_down();
  } else {
    apply(StreamEvent::Abandoned);
  }
}

void StreamSession::tell_details(host::StreamPhase phase) {
  services_.table().describe(id_, services_.self,
                             {.phase = phase,
                              .kind = host::StreamKind::Live,
                              .engine_id = record_.engine_id,
                              .infohash = record_.infohash,
                              .session = to_text(record_)});
}

void StreamSession::forget_session() {
  // It was stopped, or another host's owner has one of its own: nobody here shall go on with it.
  record_ = {};
  succession_.on_granted({});
  tell_details(host::StreamPhase::Streaming);
}

void StreamSession::on_committed(proto::ChunkIndex index) {
  committed_ = index;
  succession_.on_committed(index);
  broadcast_.on_stored({epoch_, index});
  const auto skipped = appender_->skipped();
  services_.me().chunks_skipped += skipped - std::exchange(skipped_counted_, skipped);
  note_room(!appender_->is_without_room());
}

void StreamSession::note_room(bool has_room) {
  if (std::exchange(has_room_, has_room) == has_room) return;
  if (has_room) {
    --services_.me().unstored_streams;
  } else {
    ++services_.me().unstored_streams;
  }
}

void StreamSession::on_backlog(bool is_too_much) {
  if (!feed_) return;
  if (is_too_much) {
    feed_->pause();
  } else {
    feed_->resume();
  }
}

void StreamSession::on_append_refused(const Error& why) {
  log::warn("append_refused", "stream={} epoch={} why={:?}", id_.text(), epoch_.value, why.text);
  services_.loop.post(guarded([](StreamSession& self) {
    self.drop_appender();
    // Another owner, or keys that were lost under us: a new claim tells which.
    self.lease_.forget();
    self.regain_lease();
  }));
}

// --- following ------------------------------------------------------------------------------

void StreamSession::start_following() {
  const auto limits = services_.options.follow_limits(broadcast_.viewers().longest_delay());
  misses_chunks_ = false;
  followed_since_ = services_.clock.now();
  auto after = succession_.follow_after(broadcast_.window());
  if (!after && broadcast_.window().empty()) {
    // From another worker's viewers on, and what somebody who joins gets before that.
    if (const auto first = broadcast_.viewers().earliest_cursor()) {
      after = {first->value - std::min<std::uint64_t>(first->value, limits.initial_behind)};
    }
  }
  looking_back_ = after ? LookingBack::No : LookingBack::Possible;
  follow(limits, after);
}

void StreamSession::follow(const FollowLimits& limits, std::optional<proto::ChunkIndex> after) {
  follower_ = std::make_unique<ChunkFollower>(id_, services_.chunks, services_.timers, limits,
                                              static_cast<ChunkFollower::Listener&>(*this));
  follower_->start(after);
}

clients::Opening StreamSession::opening_with(bool is_newest) const {
  if (is_newest) return clients::Opening::Live;
  // Seconds of media come within a moment. Who wants to begin further back than others needs all of
  // it first, and so does who is to begin with the last of several random access points.
  const bool needs_all = looking_back_ == LookingBack::UnderWay ||
                         broadcast_.viewers().longest_delay() > std::chrono::milliseconds{0};
  return needs_all ? clients::Opening::Nothing : clients::Opening::RandomAccess;
}

void StreamSession::look_further_back() {
  if (std::exchange(looking_back_, LookingBack::No) != LookingBack::Possible) return;
  const auto& window = broadcast_.window();
  const auto* oldest = window.at(window.oldest());
  const bool is_all = oldest == nullptr || oldest->index.value <= 1;
  if (is_all || broadcast_.has_entry() || !broadcast_.viewers().all_waiting()) return;
  looking_back_ = LookingBack::UnderWay;
  broadcast_.forget();
  follow(services_.options.reach_limits(), std::nullopt);
}

void StreamSession::on_chunk(proto::OwnerEpoch epoch, proto::ChunkIndex index,
                             proto::ChunkPtr chunk) {
  if (state_ != StreamState::Following) return;  // an owner by now: the numbers are ours
  ++services_.me().chunks_fetched;
  epoch_ = std::max(epoch_, epoch);
  index_ = index;
  const bool is_newest = index >= follower_->newest();
  broadcast_.viewers().await(follower_->newest());
  if (auto news = succession_.news_of(std::move(chunk))) {
    broadcast_.push(epoch, index, std::move(news), opening_with(is_newest));
    broadcast_.on_stored({epoch, index});
  }
  if (is_newest) look_further_back();
}

void StreamSession::on_missing(proto::ChunkIndex first, proto::ChunkIndex last) {
  log::warn("chunks_missing", "stream={} first={} last={}", id_.text(), first.value, last.value);
  broadcast_.expect_gap();
  misses_chunks_ = true;
  // At once, before a later chunk comes: who has got all up to here goes on exactly there.
  services_.loop.post(guarded([](StreamSession& self) { self.hand_viewers_over(); }));
}

// --- the end of an owned stream -------------------------------------------------------------

bool StreamSession::is_watched() const {
  if (!broadcast_.viewers().empty()) return true;
  const auto stream = services_.table().find(services_.board(), id_);
  return stream && stream->viewers > 0;
}

void StreamSession::await_viewers() {
  grace_->once(services_.options.grace_period, [this] { stop_if_idle(); });
}

void StreamSession::on_viewers_counted(std::size_t clients) {
  if (clients == 0) return;
  grace_->stop();
  if (state_ == StreamState::Owning && !feed_) start_feed();  // they are on other hosts
}

void StreamSession::stop_if_idle() {
  if (state_ != StreamState::Owning || is_watched()) return;
  if (!lease_.is_held()) {
    stop_engine();
    apply(StreamEvent::ViewersGone);
    torn_down();
    return;
  }
  lease_.begin_teardown(ownership::Teardown::IfUnwatched,
                        guarded([](StreamSession& self, const Result<std::size_t>& clients) {
                          if (clients && *clients > 0) {
                            self.await_viewers();  // on another host, or somebody who has just come
                            return;
                          }
                          if (clients && self.is_watched()) return self.renew_ownership();
                          log::info("stream_idle", "stream={}", self.id_.text());
                          self.stop_engine();
                          self.apply(StreamEvent::ViewersGone);
                          if (clients) {
                            self.finish_teardown();
                          } else {
                            self.torn_down();  // Redis is away: its keys expire
                          }
                        }));
}

void StreamSession::renew_ownership() {
  // In Redis the stream is stopping, which only its end can undo. Here its session plays on for the
  // viewers who came meanwhile, so the stream begins anew in Redis only.
  log::info("stream_kept", "stream={} clients={}", id_.text(), broadcast_.viewers().count());
  const auto first = appender_ ? appender_->oldest() : first_index_;
  drop_appender();
  end_in_redis_and_claim(first);
}

void StreamSession::end_in_redis_and_claim(proto::ChunkIndex first) {
  is_claiming_lease_ = true;
  lease_.finish_teardown(first, index_, [weak = weak_from_this()](const Status&) {
    const auto self = weak.lock();
    if (!self) return;
    self->is_claiming_lease_ = false;
    self->regain_lease();
  });
}

void StreamSession::tear_down(int tries) {
  if (!lease_.is_held()) {
    stop_owning(true);
    torn_down();
    return;
  }
  lease_.begin_teardown(
      ownership::Teardown::IfUnwatched,
      guarded([tries](StreamSession& self, const Result<std::size_t>& clients) {
        const bool has_clients = clients && *clients > 0;
        // Those whom nobody on this host watches for are another host's, or are just leaving Redis.
        const int most = self.is_watched() ? kTeardownTries : kTriesForOurs;
        if (has_clients && tries < most) {
          self.retry_->once(kTeardownRetry, [&self, tries] { self.tear_down(tries + 1); });
          return;
        }
        self.stop_owning(!has_clients);
        if (!clients) {
          self.torn_down();
        } else if (!has_clients) {
          self.finish_teardown();
        } else {
          // Other workers' viewers: the stream is theirs now, and its engine session.
          self.lease_.release(
              self.guarded([](StreamSession& still, const Status&) { still.torn_down(); }));
        }
      }));
}

void StreamSession::stop_owning(bool stops_engine) {
  if (state_ != StreamState::Owning) return;
  if (stops_engine) {
    stop_engine();
  } else if (feed_) {
    feed_->abandon();
  }
  apply(StreamEvent::ViewersGone);
}

void StreamSession::finish_teardown() {
  if (std::exchange(was_append_busy_, false)) {
    // It goes another way than this command: let it arrive, to be deleted with the rest.
    retry_->once(kTeardownRetry, [this] { finish_teardown(); });
    return;
  }
  if (!lease_.is_held()) {
    torn_down();
    return;
  }
  lease_.finish_teardown(first_index_, index_, guarded([](StreamSession& self, const Status& done) {
                           if (!done) {
                             log::warn("teardown_incomplete", "stream={} why={:?}", self.id_.text(),
                                       done.error().text);
                           }
                           self.torn_down();
                         }));
}

void StreamSession::torn_down() {
  lease_.forget();  // where an answer was lost, the next claim finds out what is left to do
  forget_session();
  log::info("stream_stopped", "stream={}", id_.text());
  if (broadcast_.viewers().empty() || is_shutting_down_) {
    apply(StreamEvent::TornDown);
    return;
  }
  // Viewers who came meanwhile have begun with what the window holds. What comes next is fitted to
  // that, or marked as a jump, whoever brings it.
  succession_.begin_anew(broadcast_.window());
  apply(StreamEvent::Revived);
}

}  // namespace ace::streams
