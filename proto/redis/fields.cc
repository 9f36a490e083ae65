#include "proto/redis/fields.h"

#include <fmt/format.h>

#include <charconv>

namespace ace::proto {

std::string to_lines(const Fields& fields, std::size_t max_bytes) {
  const auto is_plain = [](std::string_view text) {
    return text.find_first_of("\t\n") == std::string_view::npos;
  };
  std::string lines;
  for (const auto& [name, value] : fields) {
    if (value.empty()) continue;
    if (name.empty() || !is_plain(name) || !is_plain(value)) return {};
    lines += name + '\t' + value + '\n';
  }
  return lines.size() <= max_bytes ? lines : std::string{};
}

Fields parse_lines(std::string_view lines) {
  Fields fields;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const auto tab = lines.substr(0, end).find('\t');
    if (end == std::string_view::npos || tab == std::string_view::npos) return {};
    fields.emplace_back(lines.substr(0, tab), lines.substr(tab + 1, end - tab - 1));
    lines.remove_prefix(end + 1);
  }
  return fields;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  std::uint64_t value{};
  const auto* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end) return std::nullopt;
  return value;
}

/// The end of the year 9999: beyond it no calendar has a text for a time.
constexpr double kLastSecond = 253'402'300'799.0;

std::optional<double> parse_seconds(std::string_view text) {
  double value{};
  const auto* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  // No comparison with what is not a number is true.
  if (error != std::errc{} || at != end || !(value >= 0 && value <= kLastSecond)) {
    return std::nullopt;
  }
  return value;
}

std::string format_seconds(double seconds) { return fmt::format("{:.3f}", seconds); }

}  // namespace ace::proto
