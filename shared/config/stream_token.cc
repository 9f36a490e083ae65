#include "shared/config/stream_token.h"

#include <fmt/format.h>

#include <algorithm>

#include "shared/config/value.h"

namespace ace::config {
namespace {

constexpr std::size_t kLongestName = 64;
constexpr std::size_t kShortestToken = 8;
constexpr std::size_t kLongestToken = 128;

bool is_plain(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-._~"}.find(c) != std::string_view::npos;
  });
}

Result<StreamToken> parse_stream_token(std::string_view text, std::size_t place) {
  const auto colon = text.find(':');
  const auto name = text.substr(0, colon);
  // Without a colon it is perhaps the token that stands there: it is not shown.
  if (colon == std::string_view::npos || name.empty() || name.size() > kLongestName ||
      !is_plain(name)) {
    return fail(Errc::InvalidArgument, fmt::format("entry {} is not name:token", place));
  }
  const auto token = text.substr(colon + 1);
  if (token.size() < kShortestToken || token.size() > kLongestToken || !is_plain(token)) {
    return fail(Errc::InvalidArgument,
                fmt::format("the token of {} is not {} to {} letters, digits and -._~", name,
                            kShortestToken, kLongestToken));
  }
  return StreamToken{.name = std::string{name}, .token = std::string{token}};
}

}  // namespace

Result<std::vector<StreamToken>> parse_stream_tokens(std::string_view list) {
  std::vector<StreamToken> tokens;
  std::size_t place = 0;
  for (const auto part : split(list, ',')) {
    ++place;
    if (part.empty()) continue;
    auto parsed = parse_stream_token(part, place);
    if (!parsed) return fail(std::move(parsed).error());
    for (const auto& other : tokens) {
      if (other.name == parsed->name) {
        return fail(Errc::InvalidArgument, fmt::format("two tokens are called {}", other.name));
      }
      if (other.token == parsed->token) {
        return fail(Errc::InvalidArgument,
                    fmt::format("{} and {} have the same token", other.name, parsed->name));
      }
    }
    tokens.push_back(std::move(*parsed));
  }
  return tokens;
}

std::string text_of(const std::vector<StreamToken>& tokens) {
  std::string all;
  for (const auto& entry : tokens) {
    all += fmt::format("{}{}:{}", all.empty() ? "" : ",", entry.name, entry.token);
  }
  return all;
}

}  // namespace ace::config
