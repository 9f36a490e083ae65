#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/http/request.h"

namespace ace::proto::http {

/// What logs tell of a request when its answer has ended, perhaps in another process. Holds no
/// secret.
struct RequestTrace {
  std::string id;
  std::string user;  ///< whose token the request showed; empty: none
  std::string line;  ///< "GET /streams HTTP/1.1"; empty: none was read
  std::string referer;
  bool operator==(const RequestTrace&) const = default;
};

/// The client's `X-Request-Id`, if it is 1 to 64 letters, digits, `-`, `_` and `.`: it goes into
/// logs and headers.
[[nodiscard]] std::optional<std::string_view> shown_request_id(const Request& request);

/// A url or target without what its parameters `token`, `key` and `api_key` say: in any case,
/// behind
/// `?`, `&` or `;`, and if they come again.
[[nodiscard]] std::string without_tokens(std::string_view url);

/// All but the user. Long urls are cut.
[[nodiscard]] RequestTrace trace_of(const Request& request);

/// User-Agent as records, pages and logs have it; empty if there is none.
[[nodiscard]] std::string agent_of(const Request& request);

}  // namespace ace::proto::http
