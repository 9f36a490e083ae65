#include "coordinator/supervisor/worker_slot.h"

namespace ace::supervisor {

std::string_view to_string(SlotState state) {
  switch (state) {
    case SlotState::Empty:
      return "empty";
    case SlotState::Starting:
      return "starting";
    case SlotState::Ready:
      return "ready";
    case SlotState::Draining:
      return "draining";
    case SlotState::BackingOff:
      return "backing_off";
  }
  return "unknown";
}

bool WorkerSlot::apply(SlotEvent event) {
  const auto to = next(state, event);
  if (to) state = *to;
  return to.has_value();
}

}  // namespace ace::supervisor
