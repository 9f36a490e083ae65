#include "proto/redis/fields.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>

namespace ace::proto {

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  std::uint64_t value{};
  const auto* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

std::optional<double> parse_seconds(std::string_view text) {
  double value{};
  const auto* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end || !std::isfinite(value) || value < 0) return std::nullopt;
  return value;
}

std::string format_seconds(double seconds) { return fmt::format("{:.3f}", seconds); }

}  // namespace ace::proto
