#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/ids.h"
#include "proto/redis/fields.h"
#include "shared/base/result.h"

namespace ace::proto {

/// Where a stream stands, for everyone to read; the words are the ancestor's.
enum class StreamState {
  Initializing,
  Connecting,
  WaitingForClients,
  Active,
  Buffering,
  Error,
  Stopping,
  Stopped,
};

/// "initializing", "waiting_for_clients", …
[[nodiscard]] std::string_view to_string(StreamState state);
[[nodiscard]] std::optional<StreamState> parse_stream_state(std::string_view text);

/// A stream's metadata hash. Times are unix seconds, 0 for never.
struct StreamRecord {
  std::optional<StreamState> state;  ///< nothing: not written, or a word this version does not know
  std::string content_id;
  std::string infohash;
  std::string engine_id;
  std::string engine_host;
  std::uint16_t engine_port{};
  bool is_engine_forwarded{};
  std::string playback_url;
  std::string stat_url;
  std::string command_url;
  std::string playback_session_id;
  std::string pid;  ///< of the session, as given to the engine; not a process
  bool is_live{};
  bool is_encrypted{};
  std::uint64_t bitrate{};  ///< bits a second
  // what the engine said of the session last; zero and empty where it said nothing
  std::string engine_status;  ///< "prebuf", "dl", …
  std::uint64_t peers{};
  std::uint64_t speed_down{};  ///< KB/s, as is speed_up
  std::uint64_t speed_up{};
  std::uint64_t livepos_first{};  ///< unix seconds of the media that the engine holds
  std::uint64_t livepos_last{};
  std::uint64_t livepos_position{};
  double stat_time{};
  // how it came to play, in milliseconds; zero where it has not come so far
  std::uint64_t start_pick_ms{};
  std::uint64_t start_getstream_ms{};
  std::uint64_t start_headers_ms{};
  std::uint64_t start_first_byte_ms{};
  std::uint64_t start_random_access_ms{};
  // the last time that nothing came for two seconds or more; without a cause: never
  std::string stall_cause;
  std::uint64_t stall_ms{};
  double stall_time{};  ///< when it began
  bool is_stalled{};    ///< it lasts
  WorkerId owner;
  OwnerEpoch epoch;
  double init_time{};
  double state_changed_at{};
  std::uint64_t total_bytes{};
  std::string error_message;
  double error_time{};
};

/// Every field of the record but `owner` and `epoch`, which only the claim script writes, and but
/// `init_time` and `state_changed_at`, which scripts take from Redis' clock.
[[nodiscard]] Fields to_fields(const StreamRecord& record);

/// Never trusts what it reads: a field with junk counts as not written, fields it does not know are
/// passed over. NotFound when there are no fields at all (what HGETALL says of a missing key).
[[nodiscard]] Result<StreamRecord> parse_stream_record(const Fields& fields);

}  // namespace ace::proto
