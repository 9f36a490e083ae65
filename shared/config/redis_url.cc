#include "shared/config/redis_url.h"

#include <optional>

#include "shared/config/value.h"

namespace ace::config {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

constexpr std::string_view kScheme = "redis://";
constexpr std::string_view kTlsScheme = "rediss://";

tl::unexpected<Error> wrong(std::string_view why) {
  return fail(Errc::InvalidArgument, std::string{why});
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

Status add_user(Settings& settings, std::string_view info) {
  const auto colon = info.find(':');
  if (colon == std::string_view::npos) {
    return wrong("a password stands behind a colon: redis://:password@host");
  }
  const auto user = percent_decoded(info.substr(0, colon));
  const auto password = percent_decoded(info.substr(colon + 1));
  if (!user || !password) return wrong("user or password has a % that is no escape; write %25");
  if (!user->empty()) settings.emplace_back("REDIS_USERNAME", *user);
  settings.emplace_back("REDIS_PASSWORD", *password);
  return {};
}

Status add_host(Settings& settings, std::string_view authority) {
  const bool is_bracketed = authority.starts_with('[');
  const auto end = is_bracketed ? authority.find(']') : authority.find(':');
  if (is_bracketed && end == std::string_view::npos)
    return wrong("the host has no closing bracket");
  const auto host = is_bracketed ? authority.substr(1, end - 1) : authority.substr(0, end);
  auto port = end == std::string_view::npos ? std::string_view{} : authority.substr(end);
  if (is_bracketed) port.remove_prefix(1);
  if (!port.empty() && !port.starts_with(':')) return wrong("there is no port behind the host");
  settings.emplace_back("REDIS_HOST", host);
  settings.emplace_back("REDIS_PORT", port.size() > 1 ? port.substr(1) : "6379");
  settings.emplace_back("REDIS_SOCKET", "");
  return {};
}

}  // namespace

Result<Settings> parse_redis_url(std::string_view url) {
  url = trim(url);
  const auto scheme = to_lower(url.substr(0, url.find("://") + 3));
  if (scheme == kTlsScheme) {
    return wrong(
        "TLS to Redis is not built in: let a local stunnel speak it, and name that (see "
        "TLS in deploy/README.md)");
  }
  if (scheme != kScheme) return wrong("the url does not begin with redis://");
  url.remove_prefix(kScheme.size());
  if (url.find_first_of("?#") != std::string_view::npos) {
    return wrong("nothing stands behind the database's number; write ? and # as %3F and %23");
  }
  const auto slash = url.find('/', url.rfind('@') == std::string_view::npos ? 0 : url.rfind('@'));
  const auto authority = url.substr(0, slash);
  const auto path = slash == std::string_view::npos ? std::string_view{} : url.substr(slash + 1);
  const auto at = authority.rfind('@');
  Settings settings;
  if (at != std::string_view::npos) {
    if (auto added = add_user(settings, authority.substr(0, at)); !added) {
      return fail(std::move(added).error());
    }
  }
  const auto host = at == std::string_view::npos ? authority : authority.substr(at + 1);
  if (host.empty()) return wrong("the url names no host");
  if (auto added = add_host(settings, host); !added) return fail(std::move(added).error());
  if (!path.empty()) settings.emplace_back("REDIS_DB", path);
  return settings;
}

}  // namespace ace::config
