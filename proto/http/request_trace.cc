#include "proto/http/request_trace.h"

#include <algorithm>

namespace ace::proto::http {
namespace {

constexpr std::size_t kLongestId = 64;
constexpr std::string_view kToken = "token";

bool is_id_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

/// However its letters are escaped: the parser would see through it, too.
bool is_token_name(std::string_view name) {
  const auto decoded = percent_decode(name, Plus::IsSpace);
  return decoded && *decoded == kToken;
}

}  // namespace

std::optional<std::string_view> shown_request_id(const Request& request) {
  const auto id = request.header("x-request-id");
  if (!id || id->empty() || id->size() > kLongestId) return std::nullopt;
  return std::ranges::all_of(*id, is_id_char) ? id : std::nullopt;
}

std::string without_tokens(std::string_view url) {
  const auto query = url.find('?');
  if (query == std::string_view::npos) return std::string{url};
  std::string clean{url.substr(0, query + 1)};
  auto rest = url.substr(query + 1);
  for (;;) {
    const auto piece = rest.substr(0, rest.find('&'));
    const auto equals = piece.find('=');
    if (equals != std::string_view::npos && is_token_name(piece.substr(0, equals))) {
      clean.append(piece.substr(0, equals + 1)).append("***");
    } else {
      clean += piece;
    }
    if (piece.size() == rest.size()) return clean;
    clean += '&';
    rest.remove_prefix(piece.size() + 1);
  }
}

RequestTrace trace_of(const Request& request) {
  const std::string_view version = request.version == Version::Http10 ? " HTTP/1.0" : " HTTP/1.1";
  auto line = request.method_name + ' ' + without_tokens(request.target.text);
  line += version;
  return {.id = request.id,
          .user = {},
          .line = std::move(line),
          .referer = without_tokens(request.header("referer").value_or(std::string_view{}))};
}

}  // namespace ace::proto::http
