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
  Claiming,   ///< asking who owns it: the host's table, then Redis
  Owning,     ///< this worker runs the engine session
  Following,  ///< another worker does; chunks come out of Redis
  Stopping,   ///< owned, and being taken apart; who comes now waits for the end and starts anew
  Closed,     ///< nothing is left but to destroy the session
};

enum class StreamEvent : std::uint8_t {
  ClaimWon,
  ClaimLost,      ///< somebody else owns it, also when that comes out later
  OwnerVanished,  ///< the one we follow is gone: claim
  ViewersGone,    ///< nobody has watched for the grace period
  TornDown,       ///< the keys are deleted and the grant is given back
  Abandoned,      ///< no viewer here, or it cannot be served: no more part in it
  Revived,        ///< viewers came while it was being taken apart
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
