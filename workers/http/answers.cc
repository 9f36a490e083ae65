#include "workers/http/answers.h"

#include <fmt/format.h>

#include "workers/http/json_text.h"

namespace ace::http {
namespace {

using proto::http::Connection;
using proto::http::Request;
using proto::http::ResponseHead;

/// What a player should wait before it asks again: as long as a failed start is remembered.
constexpr std::chrono::seconds kRetryAfter{3};

Connection connection_after(const Request& request) {
  return request.keep_alive ? Connection::KeepAlive : Connection::Close;
}

std::string failure_json(const streams::StartFailure& failure) {
  rapidjson::StringBuffer buffer;
  JsonWriter out{buffer};
  out.StartObject();
  out.Key("error");
  out.StartObject();
  out.Key("status");
  out.Int(failure.status);
  write(out, "code", failure.code);
  write(out, "message", failure.message);
  out.Key("engines");
  out.StartArray();
  for (const auto& engine : failure.engines) {
    out.StartObject();
    write(out, "engine", engine.engine_id);
    write(out, "code", to_string(engine.error.code));
    write(out, "error", engine.error.text);
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
  out.EndObject();
  return {buffer.GetString(), buffer.GetSize()};
}

}  // namespace

ResponseHead Answers::head(const Request& request, int status) const {
  ResponseHead head;
  head.status = status;
  head.add("X-Ace-Worker", worker_.value).add("Cache-Control", "no-store");
  proto::http::add_request_id(head, request);
  proto::http::add_cors(head, request);
  return head;
}

std::string Answers::json(const Request& request, int status, std::string_view body) const {
  return text(request, status, proto::http::kJsonType, body);
}

std::string Answers::text(const Request& request, int status, std::string_view content_type,
                          std::string_view body) const {
  return whole_response(head(request, status), request, connection_after(request), content_type,
                        body, clock_.wall_now());
}

std::string Answers::built(const Request& request, std::string_view content_type,
                           const std::function<std::string()>& build) const {
  if (request.method != proto::http::Method::Head) return text(request, 200, content_type, build());
  return response_without_body(head(request, 200), request, connection_after(request), content_type,
                               clock_.wall_now());
}

std::string Answers::error(const Request& request, int status, std::string_view code,
                           std::string_view message) const {
  return json(request, status, proto::http::json_error(status, code, message));
}

std::string Answers::unauthorized(const Request& request) const {
  auto answer = head(request, 401);
  answer.add("WWW-Authenticate", "Bearer realm=\"ace-proxy\"");
  return whole_response(
      std::move(answer), request, connection_after(request), proto::http::kJsonType,
      proto::http::json_error(401, "unauthorized", "API_KEY is required: Authorization: Bearer …"),
      clock_.wall_now());
}

std::string Answers::not_allowed(const Request& request, std::string_view allowed) const {
  auto answer = head(request, 405);
  proto::http::add_allow(answer, allowed);
  return whole_response(
      std::move(answer), request, connection_after(request), proto::http::kJsonType,
      proto::http::json_error(405, "method_not_allowed", "this path takes " + std::string{allowed}),
      clock_.wall_now());
}

std::string Answers::options(const Request& request, std::string_view allowed) const {
  auto answer = head(request, 204);
  proto::http::add_allow(answer, allowed);
  if (proto::http::is_of_stream(request)) {
    // `Range` and the like make a browser ask first; a day is as long as any of them remembers.
    answer.add("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
        .add("Access-Control-Allow-Headers", "*")
        .add("Access-Control-Max-Age", "86400");
  }
  return whole_response(std::move(answer), request, connection_after(request), "", "",
                        clock_.wall_now());
}

std::string Answers::failure(const Request& request, const streams::StartFailure& failure) const {
  auto answer = head(request, failure.status);
  if (failure.status == 503) proto::http::add_retry_after(answer, kRetryAfter);
  return whole_response(std::move(answer), request, Connection::Close, proto::http::kJsonType,
                        failure_json(failure), clock_.wall_now());
}

std::string Answers::film_head(const Request& request, const films::FilmHead& film) const {
  auto answer = head(request, film.status);
  if (film.status != 416) answer.add("Content-Type", film.content_type);
  if (film.length) answer.add("Content-Length", fmt::to_string(*film.length));
  if (film.part) answer.add("Content-Range", film.part->text());
  if (film.status == 416 && film.size) {
    answer.add("Content-Range", fmt::format("bytes */{}", *film.size));
  }
  answer.add("Accept-Ranges", film.takes_ranges ? "bytes" : "none")
      .add("X-Accel-Buffering", "no")
      .add("Connection", "close");
  return answer.to_text(clock_.wall_now());
}

std::string Answers::stream_head(const Request& request) const {
  return proto::http::stream_head(request, worker_).to_text(clock_.wall_now());
}

}  // namespace ace::http
