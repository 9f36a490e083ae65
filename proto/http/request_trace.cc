#include "proto/http/request_trace.h"

#include <algorithm>
#include <array>

#include "proto/http/request_rules.h"
#include "shared/base/text.h"

namespace ace::proto::http {
namespace {

constexpr std::size_t kLongestId = 64;
// These may be kilobytes of anything; what people look at is the beginning.
constexpr std::size_t kLongestUrl = 1024;
constexpr std::size_t kLongestAgent = 256;

constexpr std::array<std::string_view, 3> kSecretNames{"token", "key", "api_key"};
constexpr std::string_view kSeparators = "?&;";

bool is_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

/// However its letters are escaped: the parser would see through it, too.
bool is_secret_name(std::string_view name) {
  const auto decoded = percent_decode(name, Plus::IsSpace);
  return decoded && std::ranges::any_of(kSecretNames, [&](std::string_view secret) {
           return equals_ignoring_case(*decoded, secret);
         });
}

std::string shown_url(std::string_view url) {
  return outside_text(without_tokens(url), kLongestUrl);
}

}  // namespace

std::optional<std::string_view> shown_request_id(const Request& request) {
  const auto id = request.header("x-request-id");
  if (!id || id->empty() || id->size() > kLongestId) return std::nullopt;
  return std::ranges::all_of(*id, is_id_char) ? id : std::nullopt;
}

std::string without_tokens(std::string_view url) {
  std::string clean;
  for (;;) {
    const auto piece = url.substr(0, url.find_first_of(kSeparators));
    const auto equals = piece.find('=');
    if (equals != std::string_view::npos && is_secret_name(piece.substr(0, equals))) {
      clean.append(piece.substr(0, equals + 1)).append("***");
    } else {
      clean += piece;
    }
    if (piece.size() == url.size()) return clean;
    clean += url[piece.size()];
    url.remove_prefix(piece.size() + 1);
  }
}

RequestTrace trace_of(const Request& request) {
  const std::string_view version = request.version == Version::Http10 ? " HTTP/1.0" : " HTTP/1.1";
  auto line = request.method_name + ' ' + shown_url(request.target.text);
  line += version;
  return {.id = request.id,
          .user = {},
          .line = std::move(line),
          .referer = shown_url(request.header("referer").value_or(std::string_view{}))};
}

std::string agent_of(const Request& request) {
  return outside_text(request.header("user-agent").value_or(std::string_view{}), kLongestAgent);
}

}  // namespace ace::proto::http
