// What StreamSession does with what its engine says: of the session, of the swarm, of the content.

#include <memory>
#include <utility>

#include "shared/log/log.h"
#include "workers/engines/engine_failure.h"
#include "workers/streams/session/session_record.h"
#include "workers/streams/session/stream_session.h"

namespace ace::streams {
namespace {

/// An engine plays a content to one player only. Whose session it has ended for another one's sake
/// finds its connection closed, or, where it had none yet, its playback url refused.
bool is_session_gone(const std::vector<EngineFailure>& failures) {
  if (failures.empty()) return false;
  const auto& [engine_id, error] = failures.back();
  return error.code == Errc::Closed || (error.code == Errc::Refused &&
                                        engines::failed_phase(engine_id, error).phase == "headers");
}

}  // namespace

void StreamSession::on_feed_choice(const std::string& engine_id) {
  // Before the engine is even asked: the next stream to start must count this one.
  engines::SessionInfo none_yet;
  none_yet.engine_id = engine_id;
  none_yet.infohash = record_.infohash;  // the content stays the same
  set_session(record_, none_yet);
  record_.state = proto::StreamState::Connecting;
  tell_details(host::StreamPhase::Starting);
  lease_.update(to_fields(record_));
}

void StreamSession::on_feed_open(const engines::SessionInfo& info) {
  if (!info.is_live && is_untouched()) {
    services_.host.films().note(id_, services_.self, services_.clock.now());
    feed_->pause();  // nobody here is to get anything
    services_.loop.post(guarded([info](StreamSession& self) { self.is_given_to_film(info); }));
    return;
  }
  const bool is_news = record_.playback_url != info.playback_url || record_.pid != info.pid;
  set_session(record_, info);
  if (is_second()) return;
  tell_details(phase_of(record_));
  lease_.update(to_fields(record_));
  announce_infohash();
  // A session that is opened again, or that outlasted its challenger, brings nothing new.
  if (!is_news) return;
  services_.events.publish(id_, {.type = proto::EventType::EngineChanged,
                                 .epoch = epoch_,
                                 .worker = services_.worker_id,
                                 .engine = info.engine_id});
}

void StreamSession::on_feed_stat(const proto::engine::StatAnswer& stat) {
  set_stat(record_, stat);
  record_.stat_time = unix_seconds(services_.clock.wall_now());
  tell_details(phase_of(record_));
  lease_.update(to_fields(record_));
}

void StreamSession::on_feed_silent(std::chrono::milliseconds since) {
  if (record_.state != proto::StreamState::Active) return;
  log::warn("stream_unhealthy", "stream={} engine={} silent_ms={}", id_.text(), record_.engine_id,
            since.count());
  record_.state = proto::StreamState::Buffering;
  lease_.update(to_fields(record_));
}

void StreamSession::on_feed_failed(const std::vector<EngineFailure>& failures) {
  const bool was_open = !record_.playback_url.empty();
  if (was_open && is_session_gone(failures) && is_untouched() &&
      !std::exchange(was_robbed_, true)) {
    // Somebody may have taken it by its other name. Who is of us gives way at once, so that the
    // session that the next tick opens is left alone.
    log::info("engine_session_taken", "stream={} engine={}", id_.text(), record_.engine_id);
    services_.loop.post([done = std::shared_ptr{std::move(feed_)}] {});
    return;
  }
  const auto failure = start_failure(failures);
  record_.state = proto::StreamState::Error;
  set_error(record_, failures.empty() ? failure.message : failures.back().error.text,
            services_.clock.wall_now());
  lease_.update(to_fields(record_));
  fail(failure);
}

// --- two names of one content ---------------------------------------------------------------

bool StreamSession::is_untouched() {
  return broadcast_.window().empty() && broadcast_.viewers().all_waiting();
}

bool StreamSession::is_second() {
  const auto infohash = proto::StreamId::parse(record_.infohash);
  if (!infohash) return false;
  const auto player =
      services_.table().play_infohash(services_.board(), id_, services_.self, *infohash);
  if (player == id_ || !is_untouched()) return false;
  announce_infohash();  // other hosts shall know, too
  // The feed is on the stack.
  services_.loop.post(guarded([player](StreamSession& self) { self.give_way(player); }));
  return true;
}

void StreamSession::announce_infohash() {
  const auto infohash = proto::StreamId::parse(record_.infohash);
  if (!infohash || !lease_.is_held()) return;
  aliases_.announce(
      lease_.epoch(), *infohash,
      guarded([](StreamSession& self, const proto::StreamId& other) { self.give_way(other); }));
}

bool StreamSession::is_given_to_film(const std::optional<engines::SessionInfo>& session) {
  const bool is_film = services_.host.films().is_film(id_, services_.clock.now());
  if (!is_film || is_shutting_down_ || !is_untouched()) return false;
  log::info("stream_is_film", "stream={} clients={}", id_.text(), broadcast_.viewers().count());
  if (feed_) feed_->abandon();  // the session lives on
  listener_.on_film(id_, broadcast_.viewers().release_waiting(), session);
  end_without_viewers();
  return true;
}

void StreamSession::give_way(const proto::StreamId& other) {
  // Who has got something cannot go on elsewhere: then both are played.
  if (is_shutting_down_ || !broadcast_.viewers().all_waiting()) return;
  log::info("stream_is_another", "stream={} plays_as={} clients={}", id_.text(), other.text(),
            broadcast_.viewers().count());
  listener_.on_other_name(id_, other, broadcast_.viewers().release_waiting());
  if (state_ == StreamState::Owning) stop_engine();
  end_without_viewers();
}

}  // namespace ace::streams
