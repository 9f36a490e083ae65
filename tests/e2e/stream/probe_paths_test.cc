#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

const HeaderList kKey{{"Authorization", "Bearer sesame"}};

std::string reason_of(const HttpReply& reply) {
  const auto json = json_of(reply.body);
  if (json["ready"].GetBool() != (reply.status == 200)) return "the status says otherwise";
  const auto reasons = json["reasons"].GetArray();
  return reasons.Empty() ? std::string{} : reasons[0]["code"].GetString();
}

/// /readyz says so, whoever answers.
bool comes_to(const Service& service, const std::string& reason) {
  return wait_until([&] { return reason_of(service.get("/readyz")) == reason; }, 15s);
}

}  // namespace

TEST_CASE("a host is ready while an engine could play something new", "[probe_paths]") {
  const Service service{{.workers = 2,
                         .environment = {{"MAX_STREAMS_PER_ENGINE", "1"},
                                         {"PROXY_GRACE_PERIOD", "0ms"},
                                         {"PROXY_ENGINE_CHECK_INTERVAL", "100ms"}}}};
  REQUIRE(comes_to(service, ""));
  CHECK(service.get("/readyz").status == 200);

  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));
  CHECK(comes_to(service, "engines_full"));
  const auto full = service.get("/readyz");
  CHECK(full.status == 503);
  // What it says is what a viewer would meet.
  CHECK(service.get(stream_target(stream_id(2))).status == 503);
  viewers.close_all();
  REQUIRE(comes_to(service, ""));

  service.engines().fault("refuse", "", 0);
  CHECK(comes_to(service, "no_healthy_engine"));
  service.engines().clear_faults(0);
  CHECK(comes_to(service, ""));
}

TEST_CASE("a host without Redis is ready, and says that it is away", "[probe_paths]") {
  const Service service{{.workers = 1, .redis = RedisIs::Away}};
  REQUIRE(comes_to(service, ""));
  const auto reply = service.get("/readyz");
  CHECK(reply.status == 200);
  CHECK(std::string{json_of(reply.body)["redis"].GetString()} == "down");
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  CHECK(all_served(viewers, 10s));
}

TEST_CASE("a probe does not wait for a Redis that is silent", "[probe_paths]") {
  Service service{{.workers = 1}};
  const auto redis_of = [](const HttpReply& reply) {
    return std::string{json_of(reply.body)["redis"].GetString()};
  };
  // Redis counts as gone after two seconds: an answer that does not wait for that calls it up.
  // Where this test itself took so long, it asks again.
  const auto is_answered_at_once = [&] {
    const auto is_up = [&] { return redis_of(service.get("/readyz")) == "up"; };
    REQUIRE(wait_until(is_up, 15s));
    REQUIRE(comes_to(service, ""));
    service.redis_server().pause();
    const auto reply = service.get("/readyz");
    service.redis_server().resume();
    CHECK(reply.status == 200);
    return redis_of(reply) == "up";
  };
  CHECK(wait_until(is_answered_at_once, 10s));
}

TEST_CASE("a host that takes no more clients is not ready", "[probe_paths]") {
  const Service service{{.workers = 2, .environment = {{"PROXY_MAX_CLIENTS", "1"}}}};
  REQUIRE(comes_to(service, ""));
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));
  CHECK(comes_to(service, "too_many_clients"));
}

TEST_CASE("a program tells which one it is", "[probe_paths]") {
  const Service service{{.workers = 1}};
  const auto reply = service.get("/version");
  REQUIRE(reply.status == 200);
  const auto json = json_of(reply.body);
  CHECK(std::string{json["name"].GetString()} == "ace-proxy");
  CHECK(json["version"].GetStringLength() >= 5);
  CHECK(json["build"]["type"].GetStringLength() > 0);
  CHECK(json["protocols"]["events"].IsUint());
  for (const auto* library : {"libuv", "libcurl", "hiredis", "llhttp"}) {
    CHECK(json["libraries"][library].GetStringLength() > 2);
  }
}

TEST_CASE("reads can be protected, but never what players and probes ask", "[probe_paths]") {
  const Service service{
      {.workers = 1, .environment = {{"API_KEY", "sesame"}, {"PROXY_API_PROTECT_READS", "true"}}}};
  const auto with_key = [&](std::string_view target) {
    return http_request(service.port(), "GET", target, kKey).status;
  };
  for (const auto* target : {"/streams", "/engines", "/workers", "/metrics", "/version"}) {
    INFO(target);
    const auto refused = service.get(target);
    CHECK(refused.status == 401);
    CHECK_THAT(refused.headers.find("www-authenticate").value_or(""), Catch::StartsWith("Bearer"));
    CHECK(http_request(service.port(), "HEAD", target).status == 401);
    CHECK(with_key(target) == 200);
  }
  const auto one = "/streams/" + stream_id(1);
  CHECK(service.get(one).status == 401);
  CHECK(with_key(one) == 404);
  CHECK(service.get("/healthz").status == 200);
  CHECK(comes_to(service, ""));
  CHECK(http_request(service.port(), "HEAD", stream_target(stream_id(1))).status == 200);
  CHECK(service.get("/ace/getstream").status == 400);
}

TEST_CASE("a key that only guards changes lets everybody look", "[probe_paths]") {
  const Service service{{.workers = 1, .environment = {{"API_KEY", "sesame"}}}};
  CHECK(service.get("/version").status == 200);
  CHECK(service.get("/streams").status == 200);
  CHECK(http_request(service.port(), "DELETE", "/engines?name=x").status == 401);
}
