#include "workers/streams/session/session_record.h"

#include <algorithm>

#include "coordinator/host/ownership_table.h"

namespace ace::streams {
namespace {

constexpr std::size_t kMostStatus = 32;
constexpr std::size_t kMostError = 256;

/// "prebuf", "dl" …; what is no such word is left out, for the record is kept in lines of text.
std::string word_of(const std::string& status) {
  const auto is_fit = [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; };
  const bool is_word = status.size() <= kMostStatus && std::ranges::all_of(status, is_fit);
  return is_word ? status : std::string{};
}

/// Engines choose their words. Cut between characters, never inside one.
std::string one_line(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool starts_character = (byte & 0xC0U) != 0x80U;
    if (line.size() + 4 > kMostError && starts_character) break;
    line.push_back(byte < 0x20 || byte == 0x7F ? ' ' : c);
  }
  return line;
}

std::uint64_t count_of(std::int64_t figure) {
  return figure > 0 ? static_cast<std::uint64_t>(figure) : 0;
}

}  // namespace

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
  // Said of another session.
  set_stat(record, {});
  record.stat_time = 0;
}

void set_stat(proto::StreamRecord& record, const proto::engine::StatAnswer& stat) {
  const auto live = stat.livepos.value_or(proto::engine::LivePosition{});
  record.engine_status = word_of(stat.status);
  record.peers = count_of(stat.peers);
  record.speed_down = count_of(stat.speed_down);
  record.speed_up = count_of(stat.speed_up);
  record.livepos_first = count_of(live.first);
  record.livepos_last = count_of(live.last);
  record.livepos_position = count_of(live.position);
}

bool is_swarm_dry(const proto::StreamRecord& record) {
  return record.stat_time > 0 && record.peers == 0 && record.speed_down == 0;
}

void set_error(proto::StreamRecord& record, std::string_view why, WallTime now) {
  record.error_message = one_line(why);
  record.error_time = unix_seconds(now);
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
  return proto::to_lines(to_fields(record), host::OwnershipTable::kMaxSession);
}

std::optional<engines::SessionInfo> parse_session(const std::string& text) {
  const auto record = proto::parse_stream_record(proto::parse_lines(text));
  if (!record) return std::nullopt;
  return session_of(*record);
}

host::StreamPhase phase_of(const proto::StreamRecord& record) {
  const bool is_started =
      record.state == proto::StreamState::Active || record.state == proto::StreamState::Buffering;
  return is_started ? host::StreamPhase::Streaming : host::StreamPhase::Starting;
}

}  // namespace ace::streams
