#include "workers/http/api_key.h"

#include <strings.h>

#include <algorithm>
#include <optional>
#include <string_view>

#include "shared/base/secret.h"

namespace ace::http {
namespace {

constexpr std::string_view kScheme = "bearer ";

std::optional<std::string_view> shown_key(const proto::http::Request& request) {
  const auto header = request.header("authorization");
  if (!header || header->size() < kScheme.size()) return std::nullopt;
  if (::strncasecmp(header->data(), kScheme.data(), kScheme.size()) != 0) return std::nullopt;
  auto key = header->substr(kScheme.size());
  key.remove_prefix(std::min(key.find_first_not_of(' '), key.size()));
  return key;
}

}  // namespace

bool is_from_foreign_page(const proto::http::Request& request) {
  // Where a browser says so itself, it counts: "none" is what a reader typed or bookmarked.
  const auto site = request.header("sec-fetch-site");
  if (site && *site != "same-origin" && *site != "none") return true;
  const auto origin = request.header("origin");
  if (!origin) return false;
  const auto scheme = origin->find("://");
  if (scheme == std::string_view::npos) return true;  // "null": a file, a sandbox
  return origin->substr(scheme + 3) != request.host();
}

bool ApiKey::admits(const proto::http::Request& request) const {
  if (key_.empty()) return true;
  const auto shown = shown_key(request);
  return shown && is_same_secret(*shown, key_);
}

}  // namespace ace::http
