#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace ace::log {

/// error: someone must act. warn: degraded but serving. info: once per life-cycle step.
/// debug: per chunk or request.
enum class Level : std::uint8_t { Debug, Info, Warn, Error };

inline constexpr std::array<std::string_view, 4> kLevelWords{"debug", "info", "warn", "error"};

[[nodiscard]] constexpr std::string_view to_string(Level level) {
  return kLevelWords[static_cast<std::size_t>(level)];
}

[[nodiscard]] constexpr std::optional<Level> parse_level(std::string_view word) {
  for (std::size_t i = 0; i < kLevelWords.size(); ++i) {
    if (kLevelWords[i] == word) return static_cast<Level>(i);
  }
  return std::nullopt;
}

}  // namespace ace::log
