#include "proto/redis/stream_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

namespace ace::proto {
namespace {

struct StateWord {
  StreamState state;
  std::string_view word;
};

constexpr std::array kStateWords{
    StateWord{StreamState::Initializing, "initializing"},
    StateWord{StreamState::Connecting, "connecting"},
    StateWord{StreamState::WaitingForClients, "waiting_for_clients"},
    StateWord{StreamState::Active, "active"},
    StateWord{StreamState::Buffering, "buffering"},
    StateWord{StreamState::Error, "error"},
    StateWord{StreamState::Stopping, "stopping"},
    StateWord{StreamState::Stopped, "stopped"},
};

struct TextField {
  std::string_view name;
  std::string StreamRecord::*member;
};
constexpr std::array kTexts{
    TextField{"content_id", &StreamRecord::content_id},
    TextField{"infohash", &StreamRecord::infohash},
    TextField{"engine_id", &StreamRecord::engine_id},
    TextField{"engine_host", &StreamRecord::engine_host},
    TextField{"playback_url", &StreamRecord::playback_url},
    TextField{"stat_url", &StreamRecord::stat_url},
    TextField{"command_url", &StreamRecord::command_url},
    TextField{"playback_session_id", &StreamRecord::playback_session_id},
    TextField{"pid", &StreamRecord::pid},
    TextField{"engine_status", &StreamRecord::engine_status},
    TextField{"error_message", &StreamRecord::error_message},
    TextField{"stall_cause", &StreamRecord::stall_cause},
};

struct FlagField {
  std::string_view name;
  bool StreamRecord::*member;
};
constexpr std::array kFlags{
    FlagField{"engine_forwarded", &StreamRecord::is_engine_forwarded},
    FlagField{"is_live", &StreamRecord::is_live},
    FlagField{"is_encrypted", &StreamRecord::is_encrypted},
    FlagField{"stalled", &StreamRecord::is_stalled},
};

struct CountField {
  std::string_view name;
  std::uint64_t StreamRecord::*member;
};
constexpr std::array kCounts{
    CountField{"bitrate", &StreamRecord::bitrate},
    CountField{"total_bytes", &StreamRecord::total_bytes},
    CountField{"peers", &StreamRecord::peers},
    CountField{"speed_down", &StreamRecord::speed_down},
    CountField{"speed_up", &StreamRecord::speed_up},
    CountField{"livepos_first", &StreamRecord::livepos_first},
    CountField{"livepos_last", &StreamRecord::livepos_last},
    CountField{"livepos_position", &StreamRecord::livepos_position},
    CountField{"start_pick_ms", &StreamRecord::start_pick_ms},
    CountField{"start_getstream_ms", &StreamRecord::start_getstream_ms},
    CountField{"start_headers_ms", &StreamRecord::start_headers_ms},
    CountField{"start_first_byte_ms", &StreamRecord::start_first_byte_ms},
    CountField{"start_random_access_ms", &StreamRecord::start_random_access_ms},
    CountField{"stall_ms", &StreamRecord::stall_ms},
};

struct TimeField {
  std::string_view name;
  double StreamRecord::*member;
};
constexpr std::array kTimes{
    TimeField{"init_time", &StreamRecord::init_time},
    TimeField{"state_changed_at", &StreamRecord::state_changed_at},
    TimeField{"error_time", &StreamRecord::error_time},
    TimeField{"stat_time", &StreamRecord::stat_time},
    TimeField{"stall_time", &StreamRecord::stall_time},
};

template <class Table>
const typename Table::value_type* find(const Table& table, std::string_view name) {
  const auto found = std::ranges::find(table, name, &Table::value_type::name);
  return found == table.end() ? nullptr : &*found;
}

bool read_plain_field(StreamRecord& record, std::string_view name, const std::string& value) {
  if (const auto* text = find(kTexts, name)) {
    record.*(text->member) = value;
  } else if (const auto* flag = find(kFlags, name)) {
    record.*(flag->member) = value == "1" || value == "true" || value == "True";
  } else if (const auto* count = find(kCounts, name)) {
    record.*(count->member) = parse_unsigned(value).value_or(0);
  } else if (const auto* time = find(kTimes, name)) {
    record.*(time->member) = parse_seconds(value).value_or(0);
  } else {
    return false;
  }
  return true;
}

void read_field(StreamRecord& record, std::string_view name, const std::string& value) {
  if (read_plain_field(record, name, value)) return;
  if (name == "state") record.state = parse_stream_state(value);
  if (name == "owner") record.owner = WorkerId{value};
  if (name == "epoch") record.epoch = OwnerEpoch{parse_unsigned(value).value_or(0)};
  if (name == "engine_port") {
    const auto port = parse_unsigned(value).value_or(0);
    record.engine_port = port <= std::numeric_limits<std::uint16_t>::max()
                             ? static_cast<std::uint16_t>(port)
                             : std::uint16_t{0};
  }
}

}  // namespace

std::string_view to_string(StreamState state) {
  const auto found = std::ranges::find(kStateWords, state, &StateWord::state);
  return found == kStateWords.end() ? std::string_view{"unknown"} : found->word;
}

std::optional<StreamState> parse_stream_state(std::string_view text) {
  const auto found = std::ranges::find(kStateWords, text, &StateWord::word);
  if (found == kStateWords.end()) return std::nullopt;
  return found->state;
}

Fields to_fields(const StreamRecord& record) {
  Fields fields;
  if (record.state) fields.emplace_back("state", to_string(*record.state));
  for (const auto& text : kTexts) fields.emplace_back(text.name, record.*(text.member));
  for (const auto& flag : kFlags) fields.emplace_back(flag.name, record.*(flag.member) ? "1" : "0");
  for (const auto& count : kCounts) {
    fields.emplace_back(count.name, fmt::to_string(record.*(count.member)));
  }
  fields.emplace_back("engine_port", fmt::to_string(record.engine_port));
  fields.emplace_back("error_time", format_seconds(record.error_time));
  fields.emplace_back("stat_time", format_seconds(record.stat_time));
  fields.emplace_back("stall_time", format_seconds(record.stall_time));
  return fields;
}

Result<StreamRecord> parse_stream_record(const Fields& fields) {
  if (fields.empty()) return fail(Errc::NotFound, "no such stream");
  StreamRecord record;
  for (const auto& [name, value] : fields) read_field(record, name, value);
  return record;
}

}  // namespace ace::proto
