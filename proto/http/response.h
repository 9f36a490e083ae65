#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "proto/http/request.h"
#include "proto/ids.h"
#include "shared/base/clock.h"

namespace ace::proto::http {

/// The standard words of a status; "Unknown" for one without.
[[nodiscard]] std::string_view reason_phrase(int status);

/// "Sun, 06 Nov 1994 08:49:37 GMT", whatever the locale.
[[nodiscard]] std::string http_date(WallTime time);

/// The head of a response before it is text.
struct ResponseHead {
  int status{200};
  std::vector<Header> headers;

  /// Adds a header. Control bytes in the value become spaces: what a request brought must not be
  /// able to write a header of its own.
  ResponseHead& add(std::string_view name, std::string_view value);
  /// Status line, Date, the headers, the empty line. HTTP/1.1 for clients of either version, as
  /// RFC 9110 asks.
  [[nodiscard]] std::string to_text(WallTime now) const;
};

/// How an endless body is delimited: chunked where the client knows it, else by the connection's
/// end.
enum class BodyFraming { Chunked, UntilClose };
[[nodiscard]] BodyFraming stream_framing(const Request& request);

/// The head of a 200 that carries a stream; also the whole answer to HEAD. Always closes the
/// connection at its end.
[[nodiscard]] ResponseHead stream_head(const Request& request, const WorkerId& worker);

/// By which the request is found in the logs.
ResponseHead& add_request_id(ResponseHead& head, const Request& request);
/// A 503 or 429 that says when to ask again.
ResponseHead& add_retry_after(ResponseHead& head, std::chrono::seconds delay);
/// What a 405 must name: "GET, HEAD".
ResponseHead& add_allow(ResponseHead& head, std::string_view methods);
/// Whether a stream is asked for: all paths below `/ace/` are streams.
[[nodiscard]] bool is_of_stream(const Request& request);
/// Lets pages of other origins read the answer, when the request comes from such a page and is for
/// a stream. Nothing else is theirs to read.
ResponseHead& add_cors(ResponseHead& head, const Request& request);

/// Whether the connection outlives this response, which the server may not want even if the client
/// does.
enum class Connection { KeepAlive, Close };

/// A whole response: `head` with Content-Type, Content-Length and Connection, then the body. A
/// response to HEAD, 1xx, 204 and 304 leave the body out. An empty `content_type` is not sent.
[[nodiscard]] std::string whole_response(ResponseHead head, const Request& request,
                                         Connection connection, std::string_view content_type,
                                         std::string_view body, WallTime now);
/// The same to HEAD when the body costs too much to build for its length alone, which is left out.
[[nodiscard]] std::string response_without_body(ResponseHead head, const Request& request,
                                                Connection connection,
                                                std::string_view content_type, WallTime now);
/// The same for bytes that were never a request (refused by the parser): closes. `request_id`: by
/// which the logs know them.
[[nodiscard]] std::string refusal_response(int status, std::string_view message,
                                           const WorkerId& worker, std::string_view request_id,
                                           WallTime now);

/// `{"error":{"status":404,"code":"not_found","message":"…"}}`. `code` is a stable word.
[[nodiscard]] std::string json_error(int status, std::string_view code, std::string_view message);

inline constexpr std::string_view kJsonType = "application/json";
inline constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

}  // namespace ace::proto::http
