// What is no proper request never gets as far as Redis or an engine, and the proxy lets nothing
// pass that nginx refuses.

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/nginx_process.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/requests/malformed_requests.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// What the proxy says to `bytes`: one reply, an error in JSON, and its end of the connection.
void check_refused(const Service& service, const MalformedRequest& request) {
  const auto reply = exchange(connect_loopback(service.port()), request.bytes, 10s);
  HttpReplyParser parser;
  HttpReply error;
  const auto used = parser.feed(ace::as_bytes(reply.bytes),
                                [&](ace::ByteSpan body) { error.body.append(ace::as_text(body)); });
  INFO(reply.bytes);
  REQUIRE(parser.state() == HttpReplyParser::State::Done);
  // A body behind a head that the path does not take is not read to its faulty end.
  const bool is_head_enough = request.status == 413 && parser.status() == 405;
  CHECK((parser.status() == request.status || is_head_enough));
  CHECK(parser.headers().find("content-type") == "application/json");
  CHECK(parser.headers().find("x-ace-worker"));
  CHECK(parser.headers().find("x-request-id").value_or("").size() == 16);
  const auto json = json_of(error.body);
  REQUIRE(json.HasMember("error"));
  CHECK(json["error"]["status"].GetInt() == parser.status());
  CHECK(reply.is_closed);
  CHECK(used == reply.bytes.size());
  CHECK(parser.headers().find("connection") == "close");
}

}  // namespace

TEST_CASE("what nginx refuses, and more, is refused and reaches nobody", "[malformed]") {
  const Service service{{.workers = 2, .bitrate = 1'000'000}};
  const NginxProcess nginx;
  // Else nothing would tell a strict server from one that refuses everything.
  REQUIRE_FALSE(nginx.refuses(wellformed_request()));
  std::size_t both = 0;
  for (const auto& request : malformed_requests()) {
    INFO(request.name);
    check_refused(service, request);
    if (nginx.refuses(request.bytes)) ++both;
  }
  CHECK(both > 100);
  for (const auto& request : odd_request_lines()) {
    INFO(request);
    const auto reply = exchange(connect_loopback(service.port()), request, 10s);
    CHECK_THAT(reply.bytes, Catch::StartsWith("HTTP/1.1 "));
    CHECK(reply.is_closed);
  }
  CHECK(service.worker_restarts() == 0);
  CHECK(service.engines().state().requests(0, "getstream") == 0);
  CHECK(service.redis_count({"KEYS", "ace_proxy:stream*"}) == 0);
  for (const auto& worker : service.workers()) CHECK(worker.owned_streams == 0);
  for (int i = 0; i < 8; ++i) CHECK(service.get("/healthz").status == 200);

  const auto connection = connect_loopback(service.port());
  auto served = exchange(connection, wellformed_request(), 100ms);
  const auto has_come = [&] {
    if (served.bytes.empty()) served = exchange(connection, "", 100ms);
    return !served.bytes.empty();
  };
  CHECK(wait_until(has_come, 20s));
  CHECK_THAT(served.bytes, Catch::StartsWith("HTTP/1.1 200 "));
  CHECK(service.engines().state().requests(0, "getstream") > 0);
}
