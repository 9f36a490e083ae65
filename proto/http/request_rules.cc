#include "proto/http/request_rules.h"

#include <algorithm>

namespace ace::proto::http {
namespace {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr bool is_token_char(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         std::string_view{"!#$%&'*+-.^_`|~"}.find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

constexpr bool is_visible_ascii(char c) { return c > ' ' && c < '\x7f'; }

/// Horizontal tab, space, visible ASCII and bytes above: a header's value in RFC 9110.
constexpr bool is_value_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == '\t' || (byte >= ' ' && byte != 0x7f);
}

Refusal bad_request(std::string_view text) { return {.status = 400, .text = std::string{text}}; }

std::optional<Refusal> read_version(std::string_view text, Version& version) {
  const bool is_http = text.size() == 8 && text.substr(0, 5) == "HTTP/" && is_digit(text[5]) &&
                       text[6] == '.' && is_digit(text[7]);
  if (!is_http) return bad_request("malformed request line");
  if (text == "HTTP/1.1") {
    version = Version::Http11;
  } else if (text == "HTTP/1.0") {
    version = Version::Http10;
  } else {
    return Refusal{.status = 505, .text = "only HTTP/1.0 and HTTP/1.1 are spoken here"};
  }
  return std::nullopt;
}

auto count_headers(const Request& request, std::string_view name) {
  return std::ranges::count(request.headers, name, &Header::name);
}

std::optional<Refusal> check_host(const Request& request) {
  const auto hosts = count_headers(request, "host");
  if (hosts == 0 && request.version == Version::Http11) return bad_request("Host is missing");
  if (hosts > 1) return bad_request("Host is given twice");
  if (hosts == 1 && !is_host_and_port(*request.header("host"))) {
    return bad_request("Host is malformed");
  }
  return std::nullopt;
}

/// Two servers that disagree about where a request ends are how requests are smuggled: only one
/// way to frame a body is accepted at a time, and only in its plain form.
std::optional<Refusal> check_framing(const Request& request) {
  const auto codings = count_headers(request, "transfer-encoding");
  if (codings == 0) return std::nullopt;
  if (request.version == Version::Http10) {
    return bad_request("HTTP/1.0 has no Transfer-Encoding");
  }
  if (count_headers(request, "content-length") > 0) {
    return bad_request("both Transfer-Encoding and Content-Length");
  }
  if (codings > 1 || !equals_ignoring_case(*request.header("transfer-encoding"), "chunked")) {
    return bad_request("the only Transfer-Encoding is chunked");
  }
  return std::nullopt;
}

/// Headers that decide whose a request is and where it ends.
bool is_decisive(std::string_view name) {
  return equals_ignoring_case(name, "host") || equals_ignoring_case(name, "content-length") ||
         equals_ignoring_case(name, "transfer-encoding");
}

}  // namespace

std::string quoted(std::string_view text) {
  constexpr std::size_t kMost = 100;
  std::string shown{text.substr(0, kMost)};
  std::replace_if(
      shown.begin(), shown.end(), [](char c) { return c < ' ' || c == '\x7f'; }, '?');
  return '"' + shown + (text.size() > kMost ? "…\"" : "\"");
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

bool may_begin_request(char c) { return is_token_char(c) || c == '\r'; }

std::optional<Refusal> split_request_line(std::string_view line, RequestLine& parts) {
  const auto first = line.find(' ');
  const auto last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) {
    return bad_request("malformed request line: " + quoted(line));
  }
  parts.method = line.substr(0, first);
  parts.target = line.substr(first + 1, last - first - 1);
  if (!is_token(parts.method)) return bad_request("malformed method");
  const bool is_clean = std::all_of(parts.target.begin(), parts.target.end(), is_visible_ascii);
  if (parts.target.empty() || !is_clean) {
    return bad_request("the target holds a space, a control or a raw byte: " +
                       quoted(parts.target));
  }
  return read_version(line.substr(last + 1), parts.version);
}

std::optional<Refusal> check_header_line(std::string_view line) {
  // Before the first header, or a folded one: what it belongs to is read differently by others.
  if (line.front() == ' ' || line.front() == '\t') {
    return bad_request("a header line begins with white space");
  }
  const auto colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon))) {
    return bad_request("malformed header name");
  }
  const auto value = line.substr(colon + 1);
  if (!std::all_of(value.begin(), value.end(), is_value_char)) {
    return bad_request("a header holds a control byte");
  }
  // White space to us, a part of the value to some: then two servers read two different requests.
  if (value.find('\t') != std::string_view::npos && is_decisive(line.substr(0, colon))) {
    return bad_request("a tab in a header that must be plain");
  }
  return std::nullopt;
}

std::optional<Refusal> check_head(const Request& request) {
  if (auto refusal = check_host(request)) return refusal;
  return check_framing(request);
}

}  // namespace ace::proto::http
