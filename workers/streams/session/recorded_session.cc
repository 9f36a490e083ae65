#include "workers/streams/session/recorded_session.h"

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "shared/log/log.h"
#include "workers/engines/stop_session.h"
#include "workers/streams/session/session_record.h"

namespace ace::streams {

std::optional<engines::SessionInfo> recorded_session(const proto::StreamRecord& record,
                                                     const engines::EngineDirectory& engines) {
  auto session = session_of(record);
  const auto* engine = engines.find(record.engine_id);
  if (!session || engine == nullptr || session->command_url.empty()) return std::nullopt;
  session->host = engine->host;
  session->port = engine->port;
  session->forwarded = engine->forwarded;
  return session;
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
