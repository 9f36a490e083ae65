#include "workers/engines/engine_failure.h"

namespace ace::engines {
namespace {

void skip(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word) || !text.substr(word.size()).starts_with(": ")) return;
  text.remove_prefix(word.size() + 2);
}

}  // namespace

FailedPhase failed_phase(std::string_view engine_id, const Error& error) {
  std::string_view text{error.text};
  skip(text, engine_id);
  for (const std::string_view phase :
       {"connect", "getstream", "headers", "first byte", "reading", "version"}) {
    auto rest = text;
    skip(rest, phase);
    if (rest.size() < text.size()) return {.phase = phase, .text = rest};
  }
  return {.phase = {}, .text = text};
}

bool is_engines_fault(const FailedPhase& failed, Errc code) {
  if (failed.phase == "connect") return true;
  if (code == Errc::Refused || code == Errc::NotFound) return false;
  const bool is_media = failed.phase == "first byte" || failed.phase == "reading";
  const bool waits_for_media = is_media || failed.phase == "headers";  // held back meanwhile
  if (waits_for_media && code == Errc::Timeout) return false;
  return !(is_media && code == Errc::Protocol);
}

}  // namespace ace::engines
