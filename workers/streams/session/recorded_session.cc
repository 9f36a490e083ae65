#include "workers/streams/session/recorded_session.h"

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "shared/log/log.h"
#include "workers/engines/stop_session.h"

namespace ace::streams {

std::optional<engines::SessionInfo> recorded_session(const proto::StreamRecord& record,
                                                     const engines::EngineDirectory& engines) {
  const auto* engine = engines.find(record.engine_id);
  if (engine == nullptr || record.command_url.empty()) return std::nullopt;
  return engines::SessionInfo{.engine_id = record.engine_id,
                              .host = engine->host,
                              .port = engine->port,
                              .forwarded = engine->forwarded,
                              .playback_url = record.playback_url,
                              .stat_url = record.stat_url,
                              .command_url = record.command_url,
                              .playback_session_id = record.playback_session_id,
                              .infohash = record.infohash,
                              .pid = record.pid,
                              .is_live = record.is_live,
                              .is_encrypted = record.is_encrypted};
}

void stop_recorded_session(StreamServices& services, const proto::StreamId& id) {
  services.commands.command(
      {"HGETALL", proto::StreamKeys{id}.metadata()},
      [&curl = services.curl, &timers = services.timers, &engines = services.engines,
       id](const Result<redis::Reply>& reply) {
        if (!reply) return;
        const auto record = proto::parse_stream_record(ownership::fields_of(*reply));
        if (!record) return;
        const auto session = recorded_session(*record, engines);
        if (!session) return;
        log::info("orphan_session_stopped", "stream={} engine={}", id.text(), session->engine_id);
        engines::stop_session(curl, timers, *session, nullptr);
      });
}

}  // namespace ace::streams
