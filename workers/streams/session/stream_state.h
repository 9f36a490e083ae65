#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace ace::streams {

/// Where a stream stands in this worker.
///
///            ┌────────── OwnerVanished ───────────┐
///            ▼                                    │
///   Claiming ── ClaimWon ──► Owning ── ClaimLost ─┤
///      │                       │                  │
///      ├── ClaimLost ──► Following ◄──────────────┘
///      │                       │
///      └─────── Abandoned ─────┴───► Closed ◄── TornDown ── Stopping ◄── (Owning) ViewersGone
enum class StreamState : std::uint8_t {
  Claiming,   ///< asks the host's table, then Redis, for the ownership
  Owning,     ///< this worker runs the engine session
  Following,  ///< another worker does; chunks come from Redis
  Stopping,   ///< owned, and being torn down; new viewers wait for the end, then it starts anew
  Closed,     ///< the session can be destroyed
};

enum class StreamEvent : std::uint8_t {
  ClaimWon,
  ClaimLost,      ///< another worker owns it; may become known later, too
  OwnerVanished,  ///< the owner that this worker follows is gone: claim
  ViewersGone,    ///< there was no viewer for the grace period
  TornDown,       ///< the keys are deleted and the grant is given back
  Abandoned,      ///< this worker has no viewer, or cannot serve it: leave the stream
  Revived,        ///< viewers came while it was being torn down
};

/// Nothing: the event is stale in this state and is ignored.
[[nodiscard]] constexpr std::optional<StreamState> next(StreamState from, StreamEvent event) {
  using enum StreamState;
  switch (event) {
    case StreamEvent::ClaimWon:
      if (from == Claiming) return Owning;
      break;
    case StreamEvent::ClaimLost:
      if (from == Claiming || from == Owning) return Following;
      break;
    case StreamEvent::OwnerVanished:
      if (from == Following) return Claiming;
      break;
    case StreamEvent::ViewersGone:
      if (from == Owning) return Stopping;
      break;
    case StreamEvent::TornDown:
      if (from == Stopping) return Closed;
      break;
    case StreamEvent::Revived:
      if (from == Stopping) return Claiming;
      break;
    case StreamEvent::Abandoned:
      if (from == Claiming || from == Following) return Closed;
      break;
  }
  return std::nullopt;
}

static_assert(next(StreamState::Owning, StreamEvent::ClaimLost) == StreamState::Following);
static_assert(!next(StreamState::Following, StreamEvent::ViewersGone).has_value());

[[nodiscard]] constexpr std::string_view to_string(StreamState state) {
  switch (state) {
    case StreamState::Claiming:
      return "claiming";
    case StreamState::Owning:
      return "owning";
    case StreamState::Following:
      return "following";
    case StreamState::Stopping:
      return "stopping";
    case StreamState::Closed:
      return "closed";
  }
  return "unknown";
}

}  // namespace ace::streams
