#include "shared/config/value.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <numeric>
#include <utility>

namespace ace::config {
namespace {

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 5> kTimes{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"min", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 11> kSizes{{{"", 1},
                                       {"b", 1},
                                       {"k", 1U << 10U},
                                       {"kb", 1U << 10U},
                                       {"kib", 1U << 10U},
                                       {"m", 1U << 20U},
                                       {"mb", 1U << 20U},
                                       {"mib", 1U << 20U},
                                       {"g", 1U << 30U},
                                       {"gb", 1U << 30U},
                                       {"gib", 1U << 30U}}};

/// A million years in milliseconds, and an exabyte: what is larger is a slip, and cannot overflow.
constexpr std::uint64_t kLargest = 1ULL << 60U;

template <std::size_t N>
std::optional<std::uint64_t> factor_of(const std::array<Unit, N>& units, std::string_view name) {
  const auto wanted = to_lower(name);
  const auto* const found = std::find_if(units.begin(), units.end(),
                                         [&](const Unit& unit) { return unit.name == wanted; });
  return found == units.end() ? std::nullopt : std::optional{found->factor};
}

/// `digits[.digits]` times the factor, rounded down.
std::optional<std::uint64_t> scaled(std::string_view number, std::uint64_t factor) {
  const auto dot = number.find('.');
  const auto whole = parse_number(number.substr(0, dot));
  if (!whole || *whole > kLargest / factor) return std::nullopt;
  std::uint64_t value = *whole * factor;
  if (dot == std::string_view::npos) return value;
  const auto fraction = number.substr(dot + 1);
  const auto parts = parse_number(fraction);
  if (!parts || fraction.size() > 9) return std::nullopt;
  std::uint64_t divisor = 1;
  for (std::size_t i = 0; i < fraction.size(); ++i) divisor *= 10;
  return value + *parts * factor / divisor;
}

template <std::size_t N>
std::optional<std::uint64_t> parse_with_unit(std::string_view text,
                                             const std::array<Unit, N>& units,
                                             std::string_view without_unit) {
  text = trim(text);
  const auto end = std::min(text.find_first_not_of("0123456789."), text.size());
  const auto unit = trim(text.substr(end));
  const auto factor = factor_of(units, unit.empty() ? without_unit : unit);
  if (!factor) return std::nullopt;
  return scaled(text.substr(0, end), *factor);
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<bool> parse_bool(std::string_view text) {
  const auto word = to_lower(text);
  if (word == "true" || word == "yes" || word == "on" || word == "1") return true;
  if (word == "false" || word == "no" || word == "off" || word == "0") return false;
  return std::nullopt;
}

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const auto value = parse_with_unit(text, kTimes, "s");
  if (!value) return std::nullopt;
  return std::chrono::milliseconds{static_cast<std::int64_t>(*value)};
}

std::string format_duration(std::chrono::milliseconds value) {
  const auto ms = value.count();
  if (ms == 0 || ms % 1000 != 0) return fmt::format("{}ms", ms);
  if (ms % 3'600'000 == 0) return fmt::format("{}h", ms / 3'600'000);
  if (ms >= 120'000 && ms % 60'000 == 0) return fmt::format("{}m", ms / 60'000);
  return fmt::format("{}s", ms / 1000);
}

std::optional<std::size_t> parse_size(std::string_view text) {
  return parse_with_unit(text, kSizes, "");
}

std::string format_size(std::size_t value) {
  if (value != 0 && value % (1U << 30U) == 0) return fmt::format("{}GiB", value >> 30U);
  if (value != 0 && value % (1U << 20U) == 0) return fmt::format("{}MiB", value >> 20U);
  if (value != 0 && value % (1U << 10U) == 0) return fmt::format("{}KiB", value >> 10U);
  return fmt::format("{}", value);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string to_lower(std::string_view text) {
  std::string out{text};
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return out;
}

std::optional<std::string> nearest(std::string_view text,
                                   const std::vector<std::string>& candidates) {
  std::size_t best = std::max<std::size_t>(2, text.size() / 4) + 1;
  std::optional<std::string> found;
  for (const auto& candidate : candidates) {
    const auto distance = edit_distance(text, candidate);
    if (distance >= best) continue;
    best = distance;
    found = candidate;
  }
  return found;
}

}  // namespace ace::config
