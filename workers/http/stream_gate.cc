#include "workers/http/stream_gate.h"

#include "shared/base/secret.h"

namespace ace::http {

tl::expected<std::string, StreamGate::Denial> StreamGate::admit(const proto::http::Request& request,
                                                                std::string_view client) const {
  if (!allowed_.empty() && !allowed_.contains(net::IpAddress::parse_host_port(client))) {
    return tl::unexpected(Denial{"not_allowed", "this address may not watch (PROXY_ALLOW)"});
  }
  if (tokens_.empty()) return std::string{};
  const auto shown = request.query("token").value_or(std::string_view{});
  const config::StreamToken* found = nullptr;
  // All of them, whichever it is: time must not tell.
  for (const auto& token : tokens_) {
    if (is_same_secret(shown, token.token)) found = &token;
  }
  if (found == nullptr) {
    return tl::unexpected(Denial{"bad_token", "add the token of your playlist: &token=…"});
  }
  return found->name;
}

}  // namespace ace::http
