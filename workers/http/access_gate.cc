#include "workers/http/access_gate.h"

#include <fmt/format.h>

#include <algorithm>

#include "proto/http/request_rules.h"
#include "shared/net/ip_address.h"
#include "workers/http/router.h"

namespace ace::http {

using proto::http::equals_ignoring_case;

bool is_host_of_proxy(std::string_view host, const std::vector<std::string>& names) {
  if (host.empty() || net::IpAddress::parse_host_port(host)) return true;
  const auto name = host.substr(0, host.rfind(':'));
  return equals_ignoring_case(name, "localhost") ||
         std::ranges::any_of(
             names, [&](const std::string& known) { return equals_ignoring_case(name, known); });
}

bool has_other_body(const proto::http::Request& request) {
  const auto length = request.header("content-length");
  if (!request.header("transfer-encoding") && (!length || *length == "0")) return false;
  auto type = request.header("content-type").value_or(std::string_view{});
  type = type.substr(0, type.find_first_of("; \t"));
  return !equals_ignoring_case(type, proto::http::kJsonType);
}

bool AccessGate::needs_key(Access access) const {
  return access == Access::Change || (access == Access::Read && reads_ == Reads::Protected);
}

bool AccessGate::refuses_change(Connection& connection, const proto::http::Request& request) const {
  if (is_from_foreign_page(request)) {
    answer(
        connection, request,
        answers_.error(request, 403, "foreign_page", "pages of other origins may change nothing"));
    return true;
  }
  // With a key there is nothing to ask: a page cannot know it.
  if (key_.is_needed() || is_host_of_proxy(request.host(), host_names_)) return false;
  answer(connection, request,
         answers_.error(request, 403, "foreign_host",
                        fmt::format("\"{}\" is not known as a name of this proxy: use its address, "
                                    "set PROXY_ALLOWED_HOSTS or an API_KEY",
                                    request.host())));
  return true;
}

bool AccessGate::refuses(Connection& connection, const proto::http::Request& request,
                         Access access) const {
  if (access == Access::Change && refuses_change(connection, request)) return true;
  if (needs_key(access) && !key_.admits(request)) {
    answer(connection, request, answers_.unauthorized(request));
    return true;
  }
  if (access != Access::Change || !has_other_body(request)) return false;
  answer(connection, request,
         answers_.error(request, 415, "unsupported_media_type",
                        "a body needs Content-Type: application/json"));
  return true;
}

}  // namespace ace::http
