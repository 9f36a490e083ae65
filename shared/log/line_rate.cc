#include "shared/log/line_rate.h"

namespace ace::log {

bool LineRate::admits(std::string_view event, SteadyTime now) {
  if (most_ == 0) return true;
  auto found = windows_.find(event);
  if (found == windows_.end()) {
    found = windows_.emplace(std::string{event}, Window{.began = now}).first;
  }
  auto& window = found->second;
  // What was left out is told first: until then the window stands.
  if (now - window.began >= kWindow && window.suppressed == 0) window = {.began = now};
  if (window.lines < most_) {
    ++window.lines;
    return true;
  }
  ++window.suppressed;
  return false;
}

std::vector<LineRate::Suppressed> LineRate::take_suppressed(SteadyTime now) {
  std::vector<Suppressed> told;
  for (auto& [event, window] : windows_) {
    if (window.suppressed == 0 || now - window.began < kWindow) continue;
    told.push_back({.event = event, .count = window.suppressed});
    window = {.began = now};
  }
  return told;
}

}  // namespace ace::log
