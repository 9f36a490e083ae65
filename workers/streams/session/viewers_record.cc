// What is told of a stream's viewers: their records, counters and log lines.

#include <utility>
#include <vector>

#include "shared/log/log.h"
#include "workers/streams/session/viewers.h"

namespace ace::streams {

std::vector<proto::ClientRecord> Viewers::records() const {
  std::vector<proto::ClientRecord> records;
  for (const auto& [id, viewer] : viewers_) {
    records.push_back(record_of(viewer));
    records.back().figures = figures_of(id).value_or(proto::ClientFigures{});
  }
  return records;
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
  const auto skips = session.skips() - std::exchange(viewer.skips_counted, session.skips());
  if (skips == 0) return;
  me.clients_skipped += skips;
  log::info("client_skipped", "stream={} client={} cause=client_slow times={}", id_.text(),
            session.info().id.value, skips);
}

void Viewers::tell_table() {
  services_.table().set_viewers(services_.board(), id_, services_.self,
                                static_cast<std::uint32_t>(viewers_.size()));
}

}  // namespace ace::streams
