#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// The answer's head and a little of its body.
HttpReply ask(const Service& service, std::string_view target, const HeaderList& headers = {}) {
  return http_request(service.port(), "GET", target, headers, {.timeout = 10s, .max_body = 1});
}

std::string code_of(const HttpReply& reply) {
  return std::string{json_of(reply.body)["error"]["code"].GetString()};
}

/// A viewer that says more than a player would, and stays.
ace::UniqueFd watch(const Service& service, std::string_view target, std::string_view headers) {
  auto connection = connect_loopback(service.port());
  const auto request = fmt::format("GET {} HTTP/1.1\r\nHost: p\r\n{}\r\n", target, headers);
  REQUIRE(exchange(connection, request, 1ms).is_closed == false);
  return connection;
}

std::vector<std::string> addresses_of(const Service& service, const std::string& id) {
  const auto reply = service.get("/streams/" + id);
  std::vector<std::string> addresses;
  if (reply.status != 200) return addresses;
  const auto json = json_of(reply.body);
  for (const auto& client : json["client_list"].GetArray()) {
    addresses.emplace_back(client["address"].GetString());
  }
  return addresses;
}

}  // namespace

TEST_CASE("who is not allowed gets no stream and starts nothing", "[access_control]") {
  const Service service{{.workers = 2, .environment = {{"PROXY_ALLOW", "192.0.2.0/24,::1"}}}};
  const auto target = stream_target(stream_id(1));
  for (int i = 0; i < 8; ++i) {
    const auto reply = ask(service, target, {{"X-Forwarded-For", "192.0.2.7"}});
    REQUIRE(reply.status == 403);
    CHECK(code_of(reply) == "not_allowed");
  }
  CHECK(http_request(service.port(), "HEAD", target).status == 403);
  CHECK(ask(service, "/ace/" + stream_id(1) + ".ts").status == 403);
  CHECK(service.engines().state().engine(0, "sessions_opened") == 0);
  CHECK(service.redis_count({"KEYS", "ace_proxy:stream:*"}) == 0);
  // It is about streams alone.
  CHECK(service.get("/streams").status == 200);
  CHECK(service.get("/healthz").status == 200);
}

TEST_CASE("who is allowed is served", "[access_control]") {
  const Service service{{.workers = 1, .environment = {{"PROXY_ALLOW", "127.0.0.0/8"}}}};
  CHECK(ask(service, stream_target(stream_id(1))).status == 200);
}

TEST_CASE("behind a trusted proxy a client is whom the proxy names", "[access_control]") {
  const Service service{
      {.workers = 3,
       .environment = {{"PROXY_TRUSTED_PROXIES", "127.0.0.1"}, {"PROXY_ALLOW", "192.0.2.0/24"}}}};
  const auto id = stream_id(1);
  CHECK(ask(service, stream_target(id)).status == 403);  // the proxy itself
  CHECK(ask(service, stream_target(id), {{"X-Forwarded-For", "192.0.2.7, 203.0.113.9"}}).status ==
        403);
  std::vector<ace::UniqueFd> viewers;
  for (int i = 0; i < 24; ++i) {
    viewers.push_back(watch(service, stream_target(id),
                            "X-Forwarded-For: 203.0.113.9, 192.0.2.7, 127.0.0.1\r\n"));
  }
  // On every worker, handed over or not.
  CHECK(wait_until(
      [&] {
        const auto addresses = addresses_of(service, id);
        return addresses.size() == viewers.size() &&
               std::ranges::count(addresses, "192.0.2.7") ==
                   static_cast<std::ptrdiff_t>(viewers.size());
      },
      30s));
}

TEST_CASE("a stream is for who shows the token of a playlist", "[access_control]") {
  const Service service{
      {.workers = 2, .environment = {{"PROXY_STREAM_TOKENS", "tv:sesame-open,kids:0123456789"}}}};
  const auto target = stream_target(stream_id(1));
  for (const auto* query : {"", "&token=", "&token=sesame", "&token=tv"}) {
    INFO(query);
    const auto reply = ask(service, target + query);
    CHECK(reply.status == 403);
    CHECK(code_of(reply) == "bad_token");
  }
  CHECK(http_request(service.port(), "HEAD", target).status == 403);
  CHECK(http_request(service.port(), "HEAD", target + "&token=0123456789").status == 200);
  CHECK(service.engines().state().engine(0, "sessions_opened") == 0);
  CHECK(ask(service, target + "&token=sesame-open").status == 200);
  CHECK(ask(service, "/ace/" + stream_id(1) + ".ts?token=0123456789").status == 200);
  CHECK(service.get("/streams").body.find("sesame") == std::string::npos);
}
