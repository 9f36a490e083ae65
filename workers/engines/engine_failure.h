#pragma once

#include <string>
#include <string_view>

#include "shared/base/error.h"

namespace ace::engines {

/// How a session failed, taken apart: "e1: getstream: no answer in 15000 ms".
struct FailedPhase {
  std::string_view phase;  ///< connect, getstream, headers, first byte, reading; or empty
  std::string_view text;   ///< what follows
};
/// `error` begins with the engine's id, or at once with the phase. Points into `error`.
[[nodiscard]] FailedPhase failed_phase(std::string_view engine_id, const Error& error);

/// Whether another stream would have failed there as well. What an engine refuses in its own words
/// (a content that nobody shares), media that do not come (a swarm without seeds), and media that
/// are no stream say nothing about the engine.
[[nodiscard]] bool is_engines_fault(const FailedPhase& failed, Errc code);

}  // namespace ace::engines
