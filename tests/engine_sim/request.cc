#include "tests/engine_sim/request.h"

#include <fmt/format.h>
#include <strings.h>

#include <algorithm>
#include <charconv>

namespace ace::sim {
namespace {

/// Cuts what stands before `separator` off `text`; all of it when there is none.
std::string_view take_until(std::string_view& text, std::string_view separator) {
  const auto at = text.find(separator);
  const auto head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + separator.size());
  return head;
}

std::string percent_decoded(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    unsigned byte = 0;
    if (text[i] == '%' && i + 2 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 3, byte, 16).ptr ==
            text.data() + i + 3) {
      result += static_cast<char>(byte);
      i += 2;
    } else {
      result += text[i] == '+' ? ' ' : text[i];
    }
  }
  return result;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return left.size() == right.size() && ::strncasecmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace

std::string Request::parameter(std::string_view name) const {
  const auto at = query.find(name);
  return at == query.end() ? std::string{} : at->second;
}

Result<Request> parse_request(std::string_view head) {
  auto line = take_until(head, "\r\n");
  Request request;
  request.method = take_until(line, " ");
  auto target = take_until(line, " ");
  if (request.method.empty() || !target.starts_with('/') || !line.starts_with("HTTP/1.")) {
    return fail(Errc::Protocol, "not a request line");
  }
  request.path = percent_decoded(take_until(target, "?"));
  while (!target.empty()) {
    auto pair = take_until(target, "&");
    const auto name = take_until(pair, "=");
    request.query.insert_or_assign(percent_decoded(name), percent_decoded(pair));
  }
  while (!head.empty()) {
    auto field = take_until(head, "\r\n");
    const auto name = take_until(field, ":");
    while (field.starts_with(' ')) field.remove_prefix(1);
    if (equals_ignoring_case(name, "host")) request.host = field;
    if (equals_ignoring_case(name, "range")) request.range = field;
  }
  return request;
}

std::string make_reply(std::string_view status, std::string_view content_type,
                       std::string_view body, std::string_view more_headers) {
  return fmt::format(
      "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n{}\r\n{}",
      status, content_type, body.size(), more_headers, body);
}

}  // namespace ace::sim
