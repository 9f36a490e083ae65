#pragma once

#include <sys/types.h>

#include <optional>
#include <string_view>

#include "coordinator/host/scoreboard.h"
#include "coordinator/supervisor/restart_policy.h"
#include "shared/base/unique_fd.h"

namespace ace::supervisor {

/// What the supervisor knows of one slot of the scoreboard.
enum class SlotState {
  Empty,       ///< free for a new worker
  Starting,    ///< forked, has not said ready
  Ready,       ///< serves
  Draining,    ///< was told to take nothing new; leaves when its viewers have
  BackingOff,  ///< its worker died; the next one comes at `restart_at`
};

enum class SlotEvent { Forked, SaidReady, ToldToDrain, Died, GivenUp };

/// @returns where the event leads; nothing for one that is stale or illegal in this state.
[[nodiscard]] constexpr std::optional<SlotState> next(SlotState from, SlotEvent event) {
  using enum SlotState;
  switch (event) {
    case SlotEvent::Forked:
      if (from == Empty || from == BackingOff) return Starting;
      break;
    case SlotEvent::SaidReady:
      if (from == Starting) return Ready;
      break;
    case SlotEvent::ToldToDrain:
      if (from == Starting || from == Ready) return Draining;
      break;
    case SlotEvent::Died:
      if (from == Starting || from == Ready) return BackingOff;
      if (from == Draining) return Empty;
      break;
    case SlotEvent::GivenUp:
      if (from == BackingOff) return Empty;
      break;
  }
  return std::nullopt;
}
static_assert(next(SlotState::Draining, SlotEvent::SaidReady) == std::nullopt);

[[nodiscard]] std::string_view to_string(SlotState state);

struct WorkerSlot {
  SlotState state{SlotState::Empty};
  host::WorkerRef worker;  ///< who is or was last in it
  pid_t pid{};             ///< 0 while there is no process
  unsigned round{};        ///< how many reloads there had been when its config was read
  UniqueFd control;        ///< our end
  SteadyTime started;
  SteadyTime restart_at;  ///< while BackingOff
  RestartPolicy restarts;
  bool is_killed{};      ///< SIGKILL is on its way
  host::WorkerRef heir;  ///< while Draining: who gets what it has; nobody: it keeps that

  [[nodiscard]] bool has_process() const { return pid != 0; }
  /// Counts towards the workers that are wanted.
  [[nodiscard]] bool is_active() const {
    return state == SlotState::Starting || state == SlotState::Ready ||
           state == SlotState::BackingOff;
  }
  /// @returns whether the event meant something here.
  bool apply(SlotEvent event);
};

}  // namespace ace::supervisor
