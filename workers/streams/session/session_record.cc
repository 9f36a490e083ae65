#include "workers/streams/session/session_record.h"

#include "coordinator/host/ownership_table.h"

namespace ace::streams {

void set_session(proto::StreamRecord& record, const engines::SessionInfo& session) {
  record.infohash = session.infohash;
  record.engine_id = session.engine_id;
  record.engine_host = session.host;
  record.engine_port = session.port;
  record.is_engine_forwarded = session.forwarded;
  record.playback_url = session.playback_url;
  record.stat_url = session.stat_url;
  record.command_url = session.command_url;
  record.playback_session_id = session.playback_session_id;
  record.pid = session.pid;
  record.is_live = session.is_live;
  record.is_encrypted = session.is_encrypted;
}

std::optional<engines::SessionInfo> session_of(const proto::StreamRecord& record) {
  if (record.engine_id.empty() || record.playback_url.empty()) return std::nullopt;
  return engines::SessionInfo{.engine_id = record.engine_id,
                              .host = record.engine_host,
                              .port = record.engine_port,
                              .forwarded = record.is_engine_forwarded,
                              .playback_url = record.playback_url,
                              .stat_url = record.stat_url,
                              .command_url = record.command_url,
                              .playback_session_id = record.playback_session_id,
                              .infohash = record.infohash,
                              .pid = record.pid,
                              .is_live = record.is_live,
                              .is_encrypted = record.is_encrypted};
}

std::string to_text(const proto::StreamRecord& record) {
  if (!session_of(record)) return {};
  return proto::to_lines(to_fields(record), host::OwnershipTable::kMaxSession);
}

std::optional<engines::SessionInfo> parse_session(const std::string& text) {
  const auto record = proto::parse_stream_record(proto::parse_lines(text));
  if (!record) return std::nullopt;
  return session_of(*record);
}

}  // namespace ace::streams
