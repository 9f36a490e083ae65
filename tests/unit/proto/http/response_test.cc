#include "proto/http/response.h"

#include <chrono>
#include <string>

#include <catch2/catch.hpp>

using namespace ace::proto::http;
using namespace std::chrono_literals;
using ace::WallTime;
using ace::proto::WorkerId;
using Catch::Contains;
using Catch::EndsWith;
using Catch::StartsWith;

namespace {

const WallTime kNow{std::chrono::seconds{784111777}};
const WorkerId kWorker{"tv:42"};

Request request_of(Method method, Version version) {
  Request request;
  request.method = method;
  request.version = version;
  return request;
}

}  // namespace

TEST_CASE("a date is written as HTTP wants it", "[response]") {
  CHECK(http_date(kNow) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("a stream is chunked for HTTP/1.1 and ends with the connection for 1.0", "[response]") {
  const auto chunked = stream_head(request_of(Method::Get, Version::Http11), kWorker).to_text(kNow);
  CHECK_THAT(chunked, StartsWith("HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
  CHECK_THAT(chunked, EndsWith("\r\n\r\n"));
  for (const auto* line :
       {"Content-Type: video/mp2t", "Cache-Control: no-cache, no-store", "Pragma: no-cache",
        "Accept-Ranges: none", "X-Accel-Buffering: no", "X-Ace-Worker: tv:42", "Connection: close",
        "Transfer-Encoding: chunked"}) {
    CHECK_THAT(chunked, Contains(std::string{"\r\n"} + line + "\r\n"));
  }
  CHECK_THAT(chunked, !Contains("Access-Control") && !Contains("Content-Length"));

  const auto plain = stream_head(request_of(Method::Get, Version::Http10), kWorker).to_text(kNow);
  CHECK_THAT(plain, !Contains("Transfer-Encoding") && Contains("Connection: close\r\n"));
}

TEST_CASE("a page of another origin may read the stream, and nothing else", "[response]") {
  auto request = request_of(Method::Get, Version::Http11);
  request.headers.push_back({"origin", "http://panel.lan"});
  request.target.path = "/ace/getstream";
  CHECK_THAT(stream_head(request, kWorker).to_text(kNow),
             Contains("Access-Control-Allow-Origin: *\r\n"));
  request.target.path = "/streams";
  ResponseHead head;
  CHECK_THAT(add_cors(head, request).to_text(kNow), !Contains("Access-Control"));
}

TEST_CASE("a whole response says its length, and HEAD gets only that", "[response]") {
  ResponseHead head;
  head.status = 503;
  add_retry_after(head, 3s);
  const auto get = whole_response(head, request_of(Method::Get, Version::Http11),
                                  Connection::KeepAlive, "text/plain", "busy", kNow);
  CHECK(get ==
        "HTTP/1.1 503 Service Unavailable\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
        "Retry-After: 3\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nbusy");
  const auto only_head = whole_response(head, request_of(Method::Head, Version::Http11),
                                        Connection::Close, "text/plain", "busy", kNow);
  CHECK_THAT(only_head, EndsWith("Content-Length: 4\r\nConnection: close\r\n\r\n"));
}

TEST_CASE("an old client is told that its connection stays", "[response]") {
  const auto text = whole_response({}, request_of(Method::Get, Version::Http10),
                                   Connection::KeepAlive, "text/plain", "", kNow);
  CHECK_THAT(text, Contains("Connection: keep-alive\r\n"));
}

TEST_CASE("204 and 304 carry neither body nor length", "[response]") {
  for (const int status : {204, 304}) {
    ResponseHead head;
    head.status = status;
    const auto text = whole_response(head, request_of(Method::Options, Version::Http11),
                                     Connection::KeepAlive, "text/plain", "no", kNow);
    CHECK_THAT(text, EndsWith("GMT\r\n\r\n"));
  }
}

TEST_CASE("a header's value cannot bring a header of its own", "[response]") {
  ResponseHead head;
  head.add("Location", "/a\r\nSet-Cookie: x=y");
  CHECK_THAT(head.to_text(kNow), Contains("Location: /a  Set-Cookie: x=y\r\n"));
}

TEST_CASE("a JSON error escapes what it quotes, even bytes that are no text", "[response]") {
  CHECK(json_error(404, "not_found", "no \"x\"\n") ==
        R"({"error":{"status":404,"code":"not_found","message":"no \"x\"\n"}})");
  CHECK(json_error(400, "bad", "caf\xc3\xa9") ==
        "{\"error\":{\"status\":400,\"code\":\"bad\",\"message\":\"caf\xc3\xa9\"}}");
  CHECK(json_error(400, "bad", "\xff!") ==
        "{\"error\":{\"status\":400,\"code\":\"bad\",\"message\":\"\xef\xbf\xbd!\"}}");
}

TEST_CASE("a refused request is answered and its connection closed", "[response]") {
  const auto text = refusal_response(431, "the headers are too large", {"host:7"}, "id-1", kNow);
  CHECK_THAT(text, Contains("X-Ace-Worker: host:7\r\n"));
  CHECK_THAT(text, Contains("X-Request-Id: id-1\r\n"));
  CHECK_THAT(text, StartsWith("HTTP/1.1 431 Request Header Fields Too Large\r\n"));
  CHECK_THAT(text, Contains("Connection: close\r\n"));
  CHECK_THAT(text, Contains("\"code\":\"request_header_fields_too_large\""));
}
