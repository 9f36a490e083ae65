#include "workers/http/stream_row.h"

#include <cmath>

#include "workers/streams/session/start_failure.h"

namespace ace::http {
namespace {

/// "started" is the ancestors' word for a stream that delivers.
std::string_view status_of(host::StreamPhase phase) {
  switch (phase) {
    case host::StreamPhase::Starting:
      return "starting";
    case host::StreamPhase::Streaming:
      return "started";
    case host::StreamPhase::Stopping:
      return "stopping";
    case host::StreamPhase::Failed:
      return "failed";
  }
  return "unknown";
}

host::StreamPhase phase_of(const proto::StreamRecord& record) {
  switch (record.state.value_or(proto::StreamState::Initializing)) {
    case proto::StreamState::Active:
    case proto::StreamState::Buffering:
      return host::StreamPhase::Streaming;
    case proto::StreamState::Stopping:
    case proto::StreamState::Stopped:
      return host::StreamPhase::Stopping;
    default:
      return host::StreamPhase::Starting;
  }
}

std::int64_t unix_ms(double seconds) { return std::llround(seconds * 1000); }

void write_error(JsonWriter& out, std::string_view message, std::int64_t at_ms) {
  if (message.empty()) return;
  write(out, "error_message", message);
  write(out, "error_time", iso_time(at_ms));
}

/// Of one that could not be started, or brought back: what was tried last.
void write_failure(JsonWriter& out, const host::StreamView& stream) {
  const auto failure = streams::parse_start_failure(stream.failure);
  const auto& why = failure.engines.empty() ? failure.message : failure.engines.back().error.text;
  write_error(out, why, stream.failed_at_ms);
}

/// What a stream, or one of its clients, last stood still for; nothing if it never did.
template <class Record>
void write_stall(JsonWriter& out, const Record& record) {
  if (record.stall_cause.empty()) return;
  out.Key("stall");
  out.StartObject();
  write(out, "cause", record.stall_cause);
  write(out, "since", iso_time(unix_ms(record.stall_time)));
  write(out, "ms", record.stall_ms);
  write_flag(out, "is_over", !record.is_stalled);
  out.EndObject();
}

/// How it came to play, and when it last stood still.
void write_story(JsonWriter& out, const proto::StreamRecord& record) {
  if (record.start_random_access_ms > 0) {
    out.Key("start");
    out.StartObject();
    write(out, "pick_ms", record.start_pick_ms);
    write(out, "getstream_ms", record.start_getstream_ms);
    write(out, "headers_ms", record.start_headers_ms);
    write(out, "first_byte_ms", record.start_first_byte_ms);
    write(out, "random_access_ms", record.start_random_access_ms);
    out.EndObject();
  }
  write_stall(out, record);
}

/// What the owner tells of the engine session; nothing while there is none.
void write_session(JsonWriter& out, const std::string& session) {
  const auto record = proto::parse_stream_record(proto::parse_lines(session));
  if (!record) return;
  write_error(out, record->error_message, unix_ms(record->error_time));
  write_story(out, *record);
  if (record->playback_url.empty()) return;
  write_flag(out, "is_live", record->is_live);
  write_flag(out, "is_encrypted", record->is_encrypted);
  write(out, "bitrate", record->bitrate);
  if (record->stat_time <= 0) return;
  write(out, "engine_status", record->engine_status);
  write(out, "peers", record->peers);
  write(out, "speed_down", record->speed_down);
  write(out, "speed_up", record->speed_up);
  if (record->livepos_last == 0) return;
  out.Key("livepos");
  out.StartObject();
  write(out, "first", record->livepos_first);
  write(out, "last", record->livepos_last);
  write(out, "position", record->livepos_position);
  out.EndObject();
}

}  // namespace

void write_members(JsonWriter& out, const host::StreamView& stream, std::string_view owner) {
  const bool is_film = stream.kind == host::StreamKind::Film;
  const auto record = proto::parse_stream_record(proto::parse_lines(stream.session));
  const auto id = is_film && record ? record->content_id : std::string{stream.id.text()};
  write(out, "id", id);
  write(out, "key", id);
  write(out, "kind", is_film ? "vod" : "live");
  write(out, "infohash", is_film && record ? record->infohash : stream.infohash);
  write(out, "container_id", stream.engine_id);
  write(out, "status", status_of(stream.phase));
  write(out, "clients", stream.viewers);
  write(out, "owner", owner);
  write(out, "started_at", iso_time(stream.started_at_ms));
  write(out, "epoch", stream.epoch.value);
  write(out, "index", stream.index.value);
  if (stream.phase == host::StreamPhase::Failed) {
    write_failure(out, stream);
  } else {
    write_session(out, stream.session);
  }
}

host::StreamView view_of(const proto::StreamId& id, const proto::StreamRecord& record,
                         proto::ChunkIndex index) {
  return {.id = id,
          .owner = {},
          .phase = phase_of(record),
          .kind = host::StreamKind::Live,
          .epoch = record.epoch,
          .index = index,
          .started_at_ms = unix_ms(record.init_time),
          .viewers = 0,
          .engine_id = record.engine_id,
          .infohash = record.infohash,
          .session = proto::to_lines(proto::to_fields(record), host::OwnershipTable::kMaxSession),
          .failure = {},
          .failed_at_ms = 0};
}

void write(JsonWriter& out, const proto::ClientRecord& client) {
  out.StartObject();
  write(out, "id", client.id.value);
  write(out, "address", client.address);
  write(out, "agent", client.agent);
  write(out, "worker", client.worker.value);
  write(out, "connected_at", iso_time(unix_ms(client.connected_at)));
  write(out, "bytes_sent", client.figures.bytes_sent);
  out.Key("lag");
  out.Double(std::isfinite(client.figures.lag) ? client.figures.lag : 0);
  write(out, "skips", client.figures.skips);
  write_stall(out, client.figures);
  out.EndObject();
}

}  // namespace ace::http
