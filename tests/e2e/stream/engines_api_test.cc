#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::string_view kOfJson = "Host: 127.0.0.1\r\nContent-Type: application/json\r\n";
constexpr std::string_view kKey =
    "Host: p\r\nContent-Type: application/json\r\nAuthorization: Bearer sesame\r\n";

/// An engine as `GET /engines` shows it.
struct EngineRow {
  std::string source;
  std::string health;
  std::string version;
  std::string error_phase;
  std::uint64_t streams{};
  bool is_listed{};
};

std::map<std::string, EngineRow> engines_in(const HttpReply& reply) {
  const auto json = json_of(reply.body);
  std::map<std::string, EngineRow> rows;
  for (const auto& engine : json.GetArray()) {
    const auto& error = engine["last_error"];
    rows[engine["name"].GetString()] = {
        .source = engine["source"].GetString(),
        .health = engine["health"].GetString(),
        .version = engine["version"].GetString(),
        .error_phase = error.IsNull() ? "" : error["phase"].GetString(),
        .streams = engine["streams"].GetUint64(),
        .is_listed = engine["listed"].GetBool()};
  }
  return rows;
}

std::map<std::string, EngineRow> engines_of(const Service& service) {
  return engines_in(service.get("/engines"));
}

std::string post(const Service& service, std::string_view body, std::string_view headers = kKey) {
  return raw_exchange(service.port(),
                      fmt::format("POST /engines HTTP/1.1\r\nConnection: close\r\n{}"
                                  "Content-Length: {}\r\n\r\n{}",
                                  headers, body.size(), body),
                      10s);
}

HttpReply remove(const Service& service, std::string_view name) {
  return http_request(service.port(), "DELETE", fmt::format("/engines?name={}", name),
                      {{"Authorization", "Bearer sesame"}});
}

std::string engine_json(const SimProcess& engines, std::size_t at, std::string_view name) {
  return fmt::format(R"({{"host":"127.0.0.1","port":{},"name":"{}"}})", engines.port(at), name);
}

/// Engines of their own, of which the settings know the first.
struct World {
  SimProcess engines{{.engines = 2, .bitrate = 1'000'000}};
  Service service{{.workers = 3,
                   .environment = {{"API_KEY", "sesame"},
                                   {"PROXY_ENGINE_CHECK_INTERVAL", "100ms"},
                                   {"ACE_ENGINES", "127.0.0.1:" + std::to_string(engines.port(0)) +
                                                       ";name=first;max_streams=1"}}}};

  /// Every worker lists so many engines, whoever answers.
  [[nodiscard]] bool all_list(std::size_t count) const {
    return service.every_worker(
        "/engines", [&](const HttpReply& reply) { return engines_in(reply).size() == count; }, 30s);
  }
};

}  // namespace

TEST_CASE("engines are shown with their health, load and last error", "[engines_api]") {
  const World world;
  const auto row = [&] { return engines_of(world.service).at("first"); };
  CHECK(wait_until([&] { return row().health == "healthy"; }, 30s));
  CHECK(row().version == "3.1.70");
  CHECK(row().source == "settings");
  CHECK(row().streams == 0);
  Viewers viewers{world.service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 30s));
  CHECK(row().streams == 1);
  world.engines.fault("refuse", "", 0);
  CHECK(wait_until([&] { return row().health == "unhealthy"; }, 30s));
  CHECK(row().error_phase == "version");
  world.engines.clear_faults(0);
  CHECK(wait_until([&] { return row().health == "healthy"; }, 30s));
}

TEST_CASE("an engine that is added plays, and one that is removed plays on", "[engines_api]") {
  const World world;
  const auto& service = world.service;
  CHECK_THAT(post(service, engine_json(world.engines, 1, "second")),
             Catch::StartsWith("HTTP/1.1 201"));
  REQUIRE(world.all_list(2));
  CHECK(engines_of(service).at("second").source == "api");
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= 3; ++i) viewers.open(1, stream_target(stream_id(i)));
  REQUIRE(all_served(viewers, 30s));
  CHECK(world.engines.state().engine(1, "sessions_opened") == 2);

  CHECK(remove(service, "second").status == 200);
  CHECK(service.every_worker(
      "/engines", [](const HttpReply& reply) { return !engines_in(reply).at("second").is_listed; },
      30s));
  REQUIRE(service.get(stream_target(stream_id(4))).status == 503);
  CHECK(viewers.count(ViewerState::Streaming) == 3);
  const auto got = viewers.total_bytes();
  CHECK(viewers.run_until([&] { return viewers.total_bytes() > got + 500'000; }, 30s));
  CHECK(viewers.faults().empty());
  CHECK(world.engines.state().engine(1, "sessions_opened") == 2);
}

TEST_CASE("added engines outlive a Redis that forgets", "[engines_api]") {
  const World world;
  CHECK_THAT(post(world.service, engine_json(world.engines, 1, "second")),
             Catch::StartsWith("HTTP/1.1 201"));
  REQUIRE(world.all_list(2));
  CHECK(world.service.redis({"FLUSHALL"}).as_text() == "OK");
  CHECK(wait_until(
      [&] {
        return world.service.redis_number({"HEXISTS", "ace_proxy:engines", "second"}) == 1;
      },
      15s));
  CHECK(world.all_list(2));
}

TEST_CASE("the list's own fields are no engines that could be removed", "[engines_api]") {
  const World world;
  CHECK_THAT(post(world.service, engine_json(world.engines, 1, "second")),
             Catch::StartsWith("HTTP/1.1 201"));
  REQUIRE(world.all_list(2));
  CHECK(remove(world.service, "%23").status == 404);
  CHECK(remove(world.service, "%23drain:second").status == 404);
  CHECK(world.service.redis_number({"HEXISTS", "ace_proxy:engines", "#"}) == 1);
}

TEST_CASE("only who shows the key changes the engines", "[engines_api]") {
  const World world;
  const auto json = engine_json(world.engines, 1, "second");
  const auto refused = post(world.service, json, kOfJson);
  CHECK_THAT(refused, Catch::StartsWith("HTTP/1.1 401"));
  CHECK_THAT(refused, Catch::Contains("WWW-Authenticate: Bearer"));
  CHECK_THAT(post(world.service, json, std::string{kOfJson} + "Authorization: Bearer Sesame\r\n"),
             Catch::StartsWith("HTTP/1.1 401"));
  CHECK_THAT(post(world.service, json, std::string{kKey} + "Origin: http://evil.example\r\n"),
             Catch::StartsWith("HTTP/1.1 403"));
  CHECK(http_request(world.service.port(), "DELETE", "/engines?name=first").status == 401);
  CHECK(engines_of(world.service).size() == 1);
}

TEST_CASE("an engine that makes no sense is not added", "[engines_api]") {
  const World world;
  const auto& service = world.service;
  CHECK_THAT(post(service, "{}"), Catch::StartsWith("HTTP/1.1 400"));
  CHECK_THAT(post(service, R"({"host":"a/b","port":1})"), Catch::StartsWith("HTTP/1.1 400"));
  CHECK_THAT(post(service, std::string(20'000, ' ')), Catch::StartsWith("HTTP/1.1 413"));
  CHECK_THAT(post(service, R"({"host":"10.0.0.1","port":1,"name":"first"})"),
             Catch::StartsWith("HTTP/1.1 409"));
  CHECK_THAT(post(service, engine_json(world.engines, 0, "again")),
             Catch::StartsWith("HTTP/1.1 409"));
  CHECK(remove(service, "first").status == 404);
  CHECK(remove(service, "nobody").status == 404);
  const auto mistyped = post(service, R"({"host":"10.0.0.1","port":1,"max_stream":2})");
  CHECK_THAT(mistyped, Catch::StartsWith("HTTP/1.1 400") && Catch::Contains("max_stream"));
  CHECK(http_request(service.port(), "DELETE", "/engines", {{"Authorization", "Bearer sesame"}})
            .status == 400);
  CHECK(engines_of(service).size() == 1);
}

TEST_CASE("without Redis engines are shown, and not added", "[engines_api]") {
  const Service service{{.workers = 2, .redis = RedisIs::Away}};
  CHECK(engines_of(service).size() == 1);
  CHECK_THAT(post(service, R"({"host":"10.0.0.1","port":1})", kOfJson),
             Catch::StartsWith("HTTP/1.1 503"));
}

TEST_CASE("without a key, a page that points its own name here changes nothing", "[engines_api]") {
  const Service service{{.workers = 1,
                         .redis = RedisIs::Away,
                         .environment = {{"PROXY_ALLOWED_HOSTS", "tv.example.com"}}}};
  const auto answer_to = [&](std::string_view host, std::string_view headers) {
    const auto reply = post(service, R"({"host":"10.0.0.1","port":22})",
                            fmt::format("Host: {}\r\n{}", host, headers));
    return reply.substr(0, reply.find("\r\n")) + reply.substr(reply.find("\r\n\r\n"));
  };
  constexpr std::string_view kJson = "Content-Type: application/json; charset=utf-8\r\n";
  const auto rebound =
      answer_to("evil.example:8000", std::string{kJson} + "Origin: http://evil.example:8000\r\n");
  CHECK_THAT(rebound, Catch::StartsWith("HTTP/1.1 403") && Catch::Contains("foreign_host") &&
                          Catch::Contains("PROXY_ALLOWED_HOSTS"));
  CHECK_THAT(answer_to("127.0.0.1", std::string{kJson} + "Sec-Fetch-Site: cross-site\r\n"),
             Catch::StartsWith("HTTP/1.1 403") && Catch::Contains("foreign_page"));
  CHECK_THAT(answer_to("127.0.0.1", "Content-Type: text/plain\r\n"),
             Catch::StartsWith("HTTP/1.1 415"));
  CHECK_THAT(answer_to("127.0.0.1", ""), Catch::StartsWith("HTTP/1.1 415"));
  // These reach what is asked for, and there is no Redis.
  for (const auto* host : {"127.0.0.1", "[::1]:8000", "LOCALHOST:8000", "tv.example.com:80"}) {
    INFO(host);
    CHECK_THAT(answer_to(host, kJson), Catch::StartsWith("HTTP/1.1 503"));
  }
}

TEST_CASE("engines behind a name play", "[engines_api]") {
  const SimProcess engines{{.bitrate = 1'000'000}};
  const Service service{
      {.workers = 2,
       .environment = {{"ACE_ENGINES", "dns://localhost:" + std::to_string(engines.port())}}}};
  const auto id = "127.0.0.1:" + std::to_string(engines.port());
  REQUIRE(service.every_worker(
      "/engines", [&](const HttpReply& reply) { return engines_in(reply).contains(id); }, 30s));
  CHECK(engines_of(service).at(id).source == "dns");
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  CHECK(all_served(viewers, 30s));
}
