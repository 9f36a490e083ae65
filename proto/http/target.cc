#include "proto/http/target.h"

#include <algorithm>

namespace ace::proto::http {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// unreserved and sub-delims of RFC 3986, `%` aside: no browser or player escapes a host.
constexpr bool is_host_char(char c) {
  return is_digit(c) || is_alpha(c) ||
         std::string_view{"-._~!$&'()*+,;="}.find(c) != std::string_view::npos;
}

/// What names and addresses are made of. A target has no need of more; Host may, for a player's
/// host file may hold `my_tv`.
constexpr bool is_plain_host_char(char c) {
  return is_digit(c) || is_alpha(c) || std::string_view{"-.:[]"}.find(c) != std::string_view::npos;
}

/// Empty labels: a resolver takes `h..` for `h`, a list of allowed names does not.
bool has_empty_label(std::string_view host) {
  return host == "." || host.find("..") != std::string_view::npos;
}

bool is_port(std::string_view text) {
  if (text.empty() || text.size() > 5 || !std::all_of(text.begin(), text.end(), is_digit)) {
    return false;
  }
  int port = 0;
  for (const char c : text) port = port * 10 + (c - '0');
  return port <= 65535;
}

bool is_bracketed_address(std::string_view text) {
  const auto inside = text.substr(1, text.size() - 2);
  return inside.size() >= 2 && std::all_of(inside.begin(), inside.end(), [](char c) {
           return hex_value(c) >= 0 || c == ':' || c == '.';
         });
}

/// A segment `..`: nothing here is found by climbing, and who rewrites it may climb out.
bool climbs(std::string_view path) {
  for (auto at = path.find(".."); at != std::string_view::npos; at = path.find("..", at + 1)) {
    const bool begins = at == 0 || path[at - 1] == '/';
    const bool ends = at + 2 == path.size() || path[at + 2] == '/';
    if (begins && ends) return true;
  }
  return false;
}

Result<std::vector<QueryParam>> parse_query(std::string_view query) {
  std::vector<QueryParam> params;
  while (!query.empty()) {
    const auto piece = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(piece.size() + 1, query.size()));
    if (piece.empty()) continue;
    const auto equals = piece.find('=');
    auto name = percent_decode(piece.substr(0, equals), Plus::IsSpace);
    if (!name) return fail(std::move(name).error());
    QueryParam param{.name = std::move(*name), .value = {}};
    if (equals != std::string_view::npos) {
      auto value = percent_decode(piece.substr(equals + 1), Plus::IsSpace);
      if (!value) return fail(std::move(value).error());
      param.value = std::move(*value);
    }
    params.push_back(std::move(param));
  }
  return params;
}

/// The authority of an absolute-form target; leaves path and query in `rest`.
Result<std::string> take_authority(std::string_view& rest) {
  const auto scheme_end = rest.find("://");
  if (scheme_end == std::string_view::npos) {
    return fail(Errc::InvalidArgument, "the target is neither a path nor a url");
  }
  std::string scheme{rest.substr(0, scheme_end)};
  std::transform(scheme.begin(), scheme.end(), scheme.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (scheme != "http" && scheme != "https") {
    return fail(Errc::InvalidArgument, "the target's scheme is not http");
  }
  rest.remove_prefix(scheme_end + 3);
  const auto authority = rest.substr(0, rest.find_first_of("/?"));
  // User information in a request is an attempt to mislead (RFC 9110, 4.2.4): no host holds an @.
  if (!is_host_and_port(authority) ||
      !std::all_of(authority.begin(), authority.end(), is_plain_host_char)) {
    return fail(Errc::InvalidArgument, "the target's host is malformed");
  }
  rest.remove_prefix(authority.size());
  return std::string{authority};
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::IsSpace) {
      decoded.push_back(' ');
      continue;
    }
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
    if (high < 0 || low < 0) return fail(Errc::InvalidArgument, "bad percent escape");
    if (high == 0 && low == 0) return fail(Errc::InvalidArgument, "escaped NUL");
    decoded.push_back(static_cast<char>(high * 16 + low));
    i += 2;
  }
  return decoded;
}

bool is_host_and_port(std::string_view text) {
  const bool is_bracketed = !text.empty() && text.front() == '[';
  const auto host_end = is_bracketed ? text.find(']') : text.find(':');
  if (is_bracketed && host_end == std::string_view::npos) return false;
  const auto host = text.substr(0, is_bracketed ? host_end + 1 : host_end);
  const auto after = text.substr(host.size());
  if (!after.empty() && (after.front() != ':' || !is_port(after.substr(1)))) return false;
  if (host.empty() || has_empty_label(host)) return false;
  return is_bracketed ? is_bracketed_address(host) : std::ranges::all_of(host, is_host_char);
}

Result<Target> Target::parse(std::string_view text) {
  Target target;
  target.text = text;
  if (text == "*") {
    target.path = "*";
    return target;
  }
  if (text.find('#') != std::string_view::npos) {
    return fail(Errc::InvalidArgument, "a target has no fragment");
  }
  auto rest = text;
  if (rest.empty() || rest.front() != '/') {
    auto authority = take_authority(rest);
    if (!authority) return fail(std::move(authority).error());
    target.authority = std::move(*authority);
  }
  const auto path_end = rest.find('?');
  auto path = percent_decode(rest.substr(0, path_end), Plus::IsPlus);
  if (!path) return fail(std::move(path).error().in("path"));
  if (climbs(*path)) return fail(Errc::InvalidArgument, "the path climbs up");
  target.path = path->empty() ? "/" : std::move(*path);
  if (path_end != std::string_view::npos) {
    auto params = parse_query(rest.substr(path_end + 1));
    if (!params) return fail(std::move(params).error().in("query"));
    target.params = std::move(*params);
  }
  return target;
}

std::optional<std::string_view> Target::query(std::string_view name) const {
  const auto found = std::ranges::find(params, name, &QueryParam::name);
  if (found == params.end()) return std::nullopt;
  return found->value;
}

}  // namespace ace::proto::http
