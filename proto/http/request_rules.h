#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proto/http/request_parser.h"

namespace ace::proto::http {

/// The parts of a request line that is well-formed.
struct RequestLine {
  std::string_view method;
  std::string_view target;
  Version version{Version::Http11};
};

/// Whether a request may begin with this byte; anything else is refused at once, since a TLS
/// greeting, say, would never send the line's end that we would wait for.
[[nodiscard]] bool may_begin_request(char c);

/// The lines below come without their CRLF. Each function returns why the request is refused, or
/// nothing.
[[nodiscard]] std::optional<Refusal> split_request_line(std::string_view line, RequestLine& parts);
[[nodiscard]] std::optional<Refusal> check_header_line(std::string_view line);
/// What only shows when all headers are there: Host, and how the body is framed.
[[nodiscard]] std::optional<Refusal> check_head(const Request& request);

/// The first 100 bytes in quotes, what is not printable ASCII as `?`.
[[nodiscard]] std::string quoted(std::string_view text);

[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace ace::proto::http
