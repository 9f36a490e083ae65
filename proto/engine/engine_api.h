#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/ids.h"
#include "shared/base/bytes.h"
#include "shared/base/result.h"

/// What an AceStream engine is asked and what it answers (its HTTP API, port 6878). Pure. Every
/// parse function refuses with TooLarge (over kMaxAnswerBytes), Protocol (not the answer it should
/// be) or Refused (the engine's own error, whose text is kept, cleaned and cut to a line).
namespace ace::proto::engine {

inline constexpr std::size_t kMaxAnswerBytes = 256_KiB;

/// Where the engine was called. IPv6 without brackets.
struct Authority {
  std::string host;
  std::uint16_t port{};

  /// "host:port", IPv6 in brackets.
  [[nodiscard]] std::string text() const;
};

/// Which catalogue a 40-digit id is looked up in: a content id names a transport file, an infohash
/// names the swarm. The digits do not tell.
enum class IdKind { ContentId, Infohash };

[[nodiscard]] std::string getstream_target(const StreamId& id, IdKind kind, std::string_view pid);
[[nodiscard]] std::string version_target();
[[nodiscard]] std::string network_status_target();
[[nodiscard]] std::string url_of(const Authority& called, std::string_view target);

/// `url` as an engine wrote it, led to the address that was called: of the answer only path and
/// query count, for its address may be one of the engine's container. Protocol unless `url` is
/// http(s) or bare, its path begins with one "/", and all of it is printable ASCII.
[[nodiscard]] Result<std::string> rebuilt_url(std::string_view url, const Authority& called);

struct GetstreamAnswer {
  std::string playback_url;  ///< this and the next three lead to the address called
  std::string stat_url;      ///< may be missing: empty
  std::string command_url;   ///< may be missing: empty
  std::string event_url;     ///< only where it was asked for
  std::string playback_session_id;
  std::string infohash;  ///< 40 lower-case digits, or empty
  bool is_live{true};    ///< false only where the engine is sure
  bool is_encrypted{};
  std::int64_t bitrate{};  ///< bytes a second; 0: not told
};
[[nodiscard]] Result<GetstreamAnswer> parse_getstream(std::string_view json,
                                                      const Authority& called);

/// Where playback stands in a live stream, in unix seconds; 0: not told.
struct LivePosition {
  std::int64_t first{};
  std::int64_t last{};
  std::int64_t position{};
  std::int64_t buffer_pieces{};
};

struct StatAnswer {
  std::string status;  ///< "prebuf", "dl", …
  std::int64_t peers{};
  std::int64_t speed_down{};  ///< KB/s
  std::int64_t speed_up{};    ///< KB/s
  std::int64_t downloaded{};  ///< bytes
  std::int64_t uploaded{};    ///< bytes
  std::optional<LivePosition> livepos;
};
[[nodiscard]] Result<StatAnswer> parse_stat(std::string_view json);

/// Whether a command (stop) was accepted.
[[nodiscard]] Status parse_command(std::string_view json);

struct VersionAnswer {
  std::int64_t code{};  ///< 3017000
  std::string version;  ///< "3.1.70"
  std::string platform;
  std::string device;  ///< the engine's own id; empty: it tells none
};
[[nodiscard]] Result<VersionAnswer> parse_version(std::string_view json);

/// Whether the engine is connected to its network.
[[nodiscard]] Result<bool> parse_network_status(std::string_view json);

/// The loser's text where two players want one live stream: final, no other spelling of the id
/// helps.
[[nodiscard]] bool is_taken_over(std::string_view engine_text);
/// The session has ended by itself: asked of an engine that is well.
[[nodiscard]] bool is_unknown_session(std::string_view engine_text);

}  // namespace ace::proto::engine
