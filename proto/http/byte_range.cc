#include "proto/http/byte_range.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace ace::proto::http {
namespace {

/// Far above any film, far below where sums overflow.
constexpr std::uint64_t kMost = std::uint64_t{1} << 62U;

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

std::optional<std::uint64_t> parse_length(std::string_view text) {
  std::uint64_t value{};
  const auto* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || at != end || value > kMost) return std::nullopt;
  return value;
}

std::string ByteRange::text() const {
  return fmt::format("{}-{}", first ? fmt::to_string(*first) : "",
                     last ? fmt::to_string(*last) : "");
}

std::optional<ByteRange> requested_range(const Request& request) {
  const auto header = request.header("range");
  if (!header || request.header("if-range")) return std::nullopt;
  auto text = *header;
  const auto dash = text.find('-');
  if (!take(text, "bytes=") || dash == std::string_view::npos) return std::nullopt;
  const auto from = text.substr(0, text.find('-'));
  const auto to = text.substr(from.size() + 1);
  const ByteRange range{.first = parse_length(from), .last = parse_length(to)};
  const bool is_readable = (from.empty() || range.first) && (to.empty() || range.last);
  const bool is_backwards = range.first && range.last && *range.last < *range.first;
  if (!is_readable || is_backwards || (from.empty() && to.empty())) return std::nullopt;
  return range;
}

std::string ContentRange::text() const {
  return fmt::format("bytes {}-{}/{}", first, last, total ? fmt::to_string(*total) : "*");
}

std::optional<ContentRange> parse_content_range(std::string_view text) {
  if (!take(text, "bytes ")) return std::nullopt;
  const auto dash = text.find('-');
  const auto slash = text.find('/');
  if (dash == std::string_view::npos || slash == std::string_view::npos || slash < dash) {
    return std::nullopt;
  }
  const auto first = parse_length(text.substr(0, dash));
  const auto last = parse_length(text.substr(dash + 1, slash - dash - 1));
  const auto total = parse_length(text.substr(slash + 1));
  if (!first || !last || *last < *first) return std::nullopt;
  if (!total && text.substr(slash + 1) != "*") return std::nullopt;
  if (total && *last >= *total) return std::nullopt;
  return ContentRange{.first = *first, .last = *last, .total = total};
}

std::optional<std::uint64_t> parse_unsatisfied_range(std::string_view text) {
  if (!take(text, "bytes */")) return std::nullopt;
  return parse_length(text);
}

}  // namespace ace::proto::http
