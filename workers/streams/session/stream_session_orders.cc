// What StreamSession does when it is told to: to move, to let viewers go, to end.

#include "shared/log/log.h"
#include "workers/streams/session/stream_session.h"

namespace ace::streams {

bool StreamSession::on_migrate_order(const std::optional<std::string>& engine_id) {
  return state_ != StreamState::Owning || (feed_ && feed_->migrate(engine_id));
}

void StreamSession::on_kick_order(const proto::ClientId& client) {
  if (!broadcast_.viewers().kick(client, kicked())) return;
  log::info("client_kicked", "stream={} client={}", id_.text(), client.value);
  on_viewer_left();
}

void StreamSession::on_yield_order() {
  if (state_ != StreamState::Owning || is_watched()) return;
  log::info("stream_yields", "stream={} engine={}", id_.text(), record_.engine_id);
  stop_if_idle();
}

void StreamSession::on_end_order() {
  log::info("stream_ended", "stream={} state={}", id_.text(), to_string(state_));
  switch (state_) {
    case StreamState::Owning:
      stop_engine();  // what was read and not cut is a last chunk for the viewers
      broadcast_.viewers().refuse(ended());
      apply(StreamEvent::ViewersGone);
      if (!lease_.is_held()) return torn_down();
      lease_.begin_teardown(ownership::Teardown::Forced,
                            guarded([](StreamSession& self, const Result<std::size_t>& clients) {
                              if (clients) {
                                self.finish_teardown();
                              } else {
                                self.torn_down();  // Redis is away: its keys expire
                              }
                            }));
      return;
    case StreamState::Claiming:
    case StreamState::Following:
      broadcast_.viewers().refuse(ended());
      apply(StreamEvent::Abandoned);
      return;
    case StreamState::Stopping:
      broadcast_.viewers().refuse(ended());
      return;
    case StreamState::Closed:
      return;
  }
}

void StreamSession::shut_down() {
  is_shutting_down_ = true;
  switch (state_) {
    case StreamState::Owning:
      // Goes on until it is known whether other hosts' viewers want it.
      broadcast_.viewers().refuse(stopping());
      tear_down();
      return;
    case StreamState::Claiming:
    case StreamState::Following:
      broadcast_.viewers().refuse(stopping());
      apply(StreamEvent::Abandoned);
      return;
    case StreamState::Stopping:
      broadcast_.viewers().refuse(stopping());
      return;
    case StreamState::Closed:
      return;
  }
}

}  // namespace ace::streams
