#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "proto/ids.h"
#include "shared/base/result.h"

namespace ace::proto {

/// Of the messages on `ace_proxy:events:…`; others are ignored.
inline constexpr unsigned kEventVersion = 1;

enum class EventType {
  StreamStarted,       ///< the first chunk of an ownership is there
  Chunk,               ///< `index` is committed in `epoch`
  OwnerChanged,        ///< `worker` won `epoch`; chunks after `index` will be its
  EngineChanged,       ///< `engine` plays the stream from now on, for the owner `worker`
  Leaving,             ///< the owner gave up its lease while others follow: claim
  ClientConnected,     ///< `client` on `worker`; `remaining` counts it
  ClientDisconnected,  ///< `remaining` are left
  Stopping,            ///< joins wait from here on
  Stopped,             ///< every key is gone
  Migrate,  ///< order to the owner: to `engine`, or if that is empty to the best of the others
  End,      ///< order to all: the stream ends now, whoever watches
  Kick,     ///< order to who has `client`: it is let go
  Yield,    ///< order to the owner: unless somebody watches, the stream ends now
};

/// "stream_started", "chunk", …
[[nodiscard]] std::string_view to_string(EventType type);

/// What is said on a stream's channel: hints, each may be lost. Only the members that its type
/// names above mean something.
struct Event {
  EventType type{EventType::Chunk};
  OwnerEpoch epoch{};
  ChunkIndex index{};
  bool is_skipped{};  ///< Chunk: the index moved on without a payload
  WorkerId worker{};
  ClientId client{};
  std::string engine{};
  std::uint64_t remaining{};
  bool operator==(const Event&) const = default;
};

[[nodiscard]] std::string to_json(const Event& event);

/// Nothing for events and versions this build does not know: newer workers share the channel while
/// hosts are upgraded one by one. An error for what is no event at all.
[[nodiscard]] Result<std::optional<Event>> parse_event(std::string_view json);

}  // namespace ace::proto
