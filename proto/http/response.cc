#include "proto/http/response.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "shared/json/json_writer.h"

namespace ace::proto::http {
namespace {

struct StatusWords {
  int status;
  std::string_view words;
};
constexpr std::array kStatusWords{
    StatusWords{100, "Continue"},
    StatusWords{200, "OK"},
    StatusWords{201, "Created"},
    StatusWords{202, "Accepted"},
    StatusWords{204, "No Content"},
    StatusWords{206, "Partial Content"},
    StatusWords{301, "Moved Permanently"},
    StatusWords{302, "Found"},
    StatusWords{303, "See Other"},
    StatusWords{304, "Not Modified"},
    StatusWords{307, "Temporary Redirect"},
    StatusWords{308, "Permanent Redirect"},
    StatusWords{400, "Bad Request"},
    StatusWords{401, "Unauthorized"},
    StatusWords{403, "Forbidden"},
    StatusWords{404, "Not Found"},
    StatusWords{405, "Method Not Allowed"},
    StatusWords{408, "Request Timeout"},
    StatusWords{409, "Conflict"},
    StatusWords{410, "Gone"},
    StatusWords{413, "Content Too Large"},
    StatusWords{414, "URI Too Long"},
    StatusWords{415, "Unsupported Media Type"},
    StatusWords{416, "Range Not Satisfiable"},
    StatusWords{417, "Expectation Failed"},
    StatusWords{422, "Unprocessable Content"},
    StatusWords{429, "Too Many Requests"},
    StatusWords{431, "Request Header Fields Too Large"},
    StatusWords{500, "Internal Server Error"},
    StatusWords{501, "Not Implemented"},
    StatusWords{502, "Bad Gateway"},
    StatusWords{503, "Service Unavailable"},
    StatusWords{504, "Gateway Timeout"},
    StatusWords{505, "HTTP Version Not Supported"},
};

constexpr bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

/// The word for a refusal, in the shape of to_string(Errc): "content_too_large".
std::string code_of(int status) {
  std::string code{reason_phrase(status)};
  std::transform(code.begin(), code.end(), code.begin(), [](char c) {
    if (c == ' ') return '_';
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  });
  return code;
}

void add_connection(ResponseHead& head, Connection connection, Version version) {
  if (connection == Connection::Close) {
    head.add("Connection", "close");
  } else if (version == Version::Http10) {
    head.add("Connection", "keep-alive");  // an HTTP/1.0 client closes unless it is told
  }
}

std::string finished(ResponseHead head, Connection connection, Version version,
                     std::string_view content_type, std::string_view body, bool sends_body,
                     WallTime now) {
  if (has_body(head.status)) {
    if (!content_type.empty()) head.add("Content-Type", content_type);
    head.add("Content-Length", fmt::to_string(body.size()));
  }
  add_connection(head, connection, version);
  auto text = head.to_text(now);
  if (sends_body && has_body(head.status)) text += body;
  return text;
}

}  // namespace

std::string_view reason_phrase(int status) {
  const auto found = std::ranges::find(kStatusWords, status, &StatusWords::status);
  return found == kStatusWords.end() ? std::string_view{"Unknown"} : found->words;
}

std::string http_date(WallTime time) {
  static constexpr std::array kDays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::time_t seconds = std::chrono::system_clock::to_time_t(
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(time));
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  return fmt::format("{}, {:02} {} {} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
}

ResponseHead& ResponseHead::add(std::string_view name, std::string_view value) {
  Header header{.name = std::string{name}, .value = std::string{value}};
  std::replace_if(
      header.value.begin(), header.value.end(),
      [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  headers.push_back(std::move(header));
  return *this;
}

std::string ResponseHead::to_text(WallTime now) const {
  auto text =
      fmt::format("HTTP/1.1 {} {}\r\nDate: {}\r\n", status, reason_phrase(status), http_date(now));
  for (const auto& header : headers) {
    text.append(header.name).append(": ").append(header.value).append("\r\n");
  }
  text += "\r\n";
  return text;
}

BodyFraming stream_framing(const Request& request) {
  return request.version == Version::Http11 ? BodyFraming::Chunked : BodyFraming::UntilClose;
}

ResponseHead stream_head(const Request& request, const WorkerId& worker) {
  ResponseHead head;
  head.add("Content-Type", "video/mp2t")
      .add("Cache-Control", "no-cache, no-store")
      .add("Pragma", "no-cache")
      // Endless: a player that believes in ranges would seek, and fail.
      .add("Accept-Ranges", "none")
      .add("X-Accel-Buffering", "no")
      .add("X-Ace-Worker", worker.value)
      .add("Connection", "close");
  if (stream_framing(request) == BodyFraming::Chunked) head.add("Transfer-Encoding", "chunked");
  add_request_id(head, request);
  add_cors(head, request);
  return head;
}

ResponseHead& add_request_id(ResponseHead& head, const Request& request) {
  return request.id.empty() ? head : head.add("X-Request-Id", request.id);
}

ResponseHead& add_retry_after(ResponseHead& head, std::chrono::seconds delay) {
  return head.add("Retry-After", fmt::to_string(delay.count()));
}

ResponseHead& add_allow(ResponseHead& head, std::string_view methods) {
  return head.add("Allow", methods);
}

bool is_of_stream(const Request& request) { return request.path().starts_with("/ace/"); }

ResponseHead& add_cors(ResponseHead& head, const Request& request) {
  if (!request.header("origin") || !is_of_stream(request)) return head;
  // Without credentials any origin may read what any player may.
  return head.add("Access-Control-Allow-Origin", "*")
      .add("Access-Control-Expose-Headers", "X-Ace-Worker, X-Request-Id, Retry-After");
}

std::string whole_response(ResponseHead head, const Request& request, Connection connection,
                           std::string_view content_type, std::string_view body, WallTime now) {
  return finished(std::move(head), connection, request.version, content_type, body,
                  request.method != Method::Head, now);
}

std::string response_without_body(ResponseHead head, const Request& request, Connection connection,
                                  std::string_view content_type, WallTime now) {
  head.add("Content-Type", content_type);
  add_connection(head, connection, request.version);
  return head.to_text(now);
}

std::string refusal_response(int status, std::string_view message, const WorkerId& worker,
                             std::string_view request_id, WallTime now) {
  ResponseHead head;
  head.status = status;
  head.add("X-Ace-Worker", worker.value).add("X-Request-Id", request_id);
  return finished(std::move(head), Connection::Close, Version::Http11, kJsonType,
                  json_error(status, code_of(status), message), true, now);
}

std::string json_error(int status, std::string_view code, std::string_view message) {
  rapidjson::StringBuffer buffer;
  json::JsonWriter out{buffer};
  out.StartObject();
  out.Key("error");
  out.StartObject();
  out.Key("status");
  out.Int(status);
  json::write(out, "code", code);
  json::write(out, "message", message);
  out.EndObject();
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace ace::proto::http
