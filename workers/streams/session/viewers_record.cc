// What is told of a stream's viewers: their records, counters and log lines.

#include <utility>
#include <vector>

#include "shared/log/log.h"
#include "workers/streams/session/viewers.h"

namespace ace::streams {
namespace {

/// After a client came. The next ones are due with its heartbeat.
constexpr std::chrono::milliseconds kFirstFigures{2'000};

}  // namespace

std::vector<proto::ClientRecord> Viewers::records() const {
  std::vector<proto::ClientRecord> records;
  for (const auto& [id, viewer] : viewers_) {
    records.push_back(record_of(viewer));
    records.back().figures = figures_of(id).value_or(proto::ClientFigures{});
  }
  return records;
}

std::optional<proto::ClientFigures> Viewers::figures_of(const proto::ClientId& id) const {
  const auto found = viewers_.find(id);
  if (found == viewers_.end()) return std::nullopt;
  auto& session = *found->second.client.session;
  const auto& acks = session.check_acks();
  const auto quiet = services_.clock.now() - acks.last_ack();
  proto::ClientFigures figures{.last_active = unix_seconds(services_.clock.wall_now() - quiet),
                               .bytes_sent = acks.acknowledged(),
                               .lag = std::chrono::duration<double>(session.pace().lag).count(),
                               .skips = session.skips()};
  if (const auto stall = stall_of(found->second)) {
    figures.stall_cause = to_string(stall->cause);
    figures.stall_time = unix_seconds(stall->since);
    figures.stall_ms = static_cast<std::uint64_t>(stall->lasted.count());
    figures.is_stalled = !stall->is_over;
  }
  return figures;
}

std::optional<Stall> Viewers::stall_of(const Viewer& viewer) const {
  const auto& own = viewer.slow.stall();
  if (own && !own->is_over) return own;
  auto last = viewer.client.stall;
  const auto consider = [&last](const std::optional<Stall>& other) {
    if (other && (!last || other->until() >= last->until())) last = other;
  };
  if (stream_stall_ && stream_stall_->until() > viewer.came_at) consider(stream_stall_);
  consider(own);
  return last;
}

proto::ClientRecord Viewers::record_of(const Viewer& viewer) const {
  const auto& info = viewer.client.session->info();
  return {.id = info.id,
          .address = info.address,
          .agent = info.agent,
          .worker = services_.worker_id,
          .connected_at = unix_seconds(info.connected_at),
          .figures = {}};
}

void Viewers::record(Viewer& viewer) {
  services_.clients.join(id_, record_of(viewer),
                         [weak = std::weak_ptr{alive_}, id = viewer.client.session->info().id](
                             Result<ownership::JoinOutcome> joined) {
                           const auto self = weak.lock();
                           if (!self || !joined.has_value() || !joined->is_stopping) return;
                           const auto found = (*self)->viewers_.find(id);
                           if (found == (*self)->viewers_.end()) return;
                           found->second.is_refused_by_redis = true;
                           (*self)->listener_.on_join_refused();
                         });
}

void Viewers::count_traffic(Viewer& viewer) {
  const auto& session = *viewer.client.session;
  auto& me = services_.me();
  me.bytes_to_clients +=
      session.bytes_sent() - std::exchange(viewer.bytes_counted, session.bytes_sent());
  if (session.join_time() && !std::exchange(viewer.is_join_counted, true)) {
    me.join_time.add(*session.join_time());
  }
  count_skips(viewer, to_string(StallCause::ClientSlow));
}

void Viewers::count_skips(Viewer& viewer, std::string_view cause) {
  const auto& session = *viewer.client.session;
  const auto skips = session.skips() - std::exchange(viewer.skips_counted, session.skips());
  if (skips == 0) return;
  services_.me().clients_skipped += skips;
  log::info("client_skipped", "stream={} client={} cause={} times={}", id_.text(),
            session.info().id.value, cause, skips);
}

void Viewers::watch_pace(Viewer& viewer) {
  const auto& session = *viewer.client.session;
  const bool has_skipped = session.skips() != viewer.skips_counted;
  const auto pace = session.pace();
  const auto news = viewer.slow.tick(pace, services_.options.join_burst, has_skipped,
                                     services_.clock.now(), services_.clock.wall_now());
  if (news == SlowClient::News::None) return;
  const auto& stall = *viewer.slow.stall();
  const bool is_over = news == SlowClient::News::Over;
  log::info(is_over ? "client_stall_over" : "client_stalled",
            "stream={} client={} cause={} lag_ms={} {}={}", id_.text(), session.info().id.value,
            to_string(stall.cause), pace.lag.count(), is_over ? "lasted_ms" : "for_ms",
            stall.lasted.count());
}

void Viewers::tell_figures(Viewer& viewer) {
  // Those who only look whether the stream is there are not worth it.
  const auto& info = viewer.client.session->info();
  const bool is_new =
      !viewer.told && services_.clock.wall_now() - info.connected_at < kFirstFigures;
  if (is_new || viewer.client.session->is_waiting() || !services_.redis_is_up()) return;
  const auto stall = stall_of(viewer);
  const Told now{.cause = stall ? std::optional{stall->cause} : std::nullopt,
                 .was_over_at = stall && stall->is_over ? stall->until() : WallTime{}};
  if (viewer.told == now) return;
  viewer.told = now;
  services_.clients.tell(id_, info.id);
}

void Viewers::tell_table() {
  services_.table().set_viewers(services_.board(), id_, services_.self,
                                static_cast<std::uint32_t>(viewers_.size()));
}

}  // namespace ace::streams
