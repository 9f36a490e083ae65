#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// Streams `first` … `first + count - 1`, one viewer each, all asked for at once.
void start(Viewers& viewers, unsigned first, unsigned count) {
  for (unsigned i = 0; i < count; ++i) viewers.open(1, stream_target(stream_id(first + i)));
}

std::vector<std::uint64_t> sessions(const Service& service, std::size_t engines) {
  const auto state = service.engines().state();
  std::vector<std::uint64_t> opened;
  for (std::size_t i = 0; i < engines; ++i) opened.push_back(state.engine(i, "sessions_opened"));
  return opened;
}

void check_twenty_at_once(RedisIs redis) {
  const Service service{{.workers = 4, .engines = 3, .bitrate = 1'000'000, .redis = redis}};
  Viewers viewers{service.port()};
  start(viewers, 1, 20);
  REQUIRE(all_served(viewers, 20s));
  auto opened = sessions(service, 3);
  std::ranges::sort(opened);
  CHECK(opened == std::vector<std::uint64_t>{6, 7, 7});
}

std::string engine_id(const Service& service, std::size_t engine) {
  return "127.0.0.1:" + std::to_string(service.engines().port(engine));
}

/// What an error says of engines, by their ids.
using Told = std::map<std::string, std::string>;
Told told(const HttpReply& reply) {
  const auto json = json_of(reply.body);
  Told engines;
  for (const auto& engine : json["error"]["engines"].GetArray()) {
    engines[engine["engine"].GetString()] = engine["error"].GetString();
  }
  return engines;
}

}  // namespace

TEST_CASE("six streams on three engines: two each, the forwarded one first", "[selection]") {
  const SimProcess engines{{.engines = 3, .bitrate = 1'000'000}};
  const auto at = [&](std::size_t i) { return "127.0.0.1:" + std::to_string(engines.port(i)); };
  const Service service{
      {.workers = 2,
       .environment = {{"ACE_ENGINES", at(0) + "," + at(1) + ";name=open;forwarded," + at(2)}}}};
  Viewers viewers{service.port()};
  start(viewers, 1, 1);
  REQUIRE(all_served(viewers, 20s));
  CHECK(engines.state().engine(1, "sessions_opened") == 1);
  for (unsigned i = 2; i <= 6; ++i) {
    start(viewers, i, 1);
    REQUIRE(all_served(viewers, 20s));
  }
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(engines.state().engine(i, "sessions_opened") == 2);
  }
  CHECK(service.redis_number({"ZCARD", "ace_proxy:engine:open:streams"}) == 2);
}

TEST_CASE("twenty starts at once over four workers are spread evenly", "[selection]") {
  check_twenty_at_once(RedisIs::There);
}

TEST_CASE("twenty starts at once are spread evenly without Redis too", "[selection]") {
  check_twenty_at_once(RedisIs::Away);
}

TEST_CASE("two hosts on one Redis count each other's streams", "[selection]") {
  const RedisServer redis;
  const SimProcess engines{{.engines = 3, .bitrate = 1'000'000}};
  const auto host = [&](const std::string& name) {
    return ProxyProcess::Environment{{"PROXY_HOST_NAME", name},
                                     {"PROXY_WORKERS", "2"},
                                     {"REDIS_SOCKET", redis.endpoint().socket},
                                     {"ACE_ENGINES", engines.engine_list()}};
  };
  const ProxyProcess a{host("host-a")};
  const ProxyProcess b{host("host-b")};
  Viewers at_a{a.port()};
  Viewers at_b{b.port()};
  start(at_a, 1, 6);
  start(at_b, 7, 6);
  const auto all_run = [&] {
    at_b.run_for(20ms);
    return at_a.count_with_bytes(1) == 6 && at_b.count_with_bytes(1) == 6;
  };
  REQUIRE(at_a.run_until(all_run, 20s));
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(engines.state().engine(i, "sessions_opened") == 4);
  }
}

TEST_CASE("streams that ended leave nothing on their engines", "[selection]") {
  const Service service{{.workers = 2,
                         .engines = 2,
                         .bitrate = 1'000'000,
                         .environment = {{"PROXY_GRACE_PERIOD", "0"}}}};
  const auto counted = [&] {
    std::int64_t streams = 0;
    for (std::size_t i = 0; i < 2; ++i) {
      const auto id = "127.0.0.1:" + std::to_string(service.engines().port(i));
      streams += service.redis_number({"ZCARD", "ace_proxy:engine:" + id + ":streams"});
    }
    return streams;
  };
  Viewers viewers{service.port()};
  start(viewers, 1, 4);
  REQUIRE(all_served(viewers, 20s));
  CHECK(counted() == 4);
  viewers.close_all();
  CHECK(wait_until([&] { return counted() == 0; }, 20s));
}

TEST_CASE("a full engine takes no further stream", "[selection]") {
  const Service service{
      {.workers = 2, .bitrate = 1'000'000, .environment = {{"MAX_STREAMS_PER_ENGINE", "2"}}}};
  Viewers viewers{service.port()};
  start(viewers, 1, 2);
  REQUIRE(all_served(viewers, 20s));
  const auto reply = service.get(stream_target(stream_id(3)));
  CHECK(reply.status == 503);
  const auto id = engine_id(service, 0);
  CHECK(told(reply) == Told{{id, id + ": is full: 2 of 2 streams"}});
  CHECK(service.engines().state().engine(0, "sessions_opened") == 2);
}

TEST_CASE("who zaps is served by an engine with one place", "[selection]") {
  // A grace period that would outlast the test.
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  const Service service{
      {.workers = 2,
       .bitrate = 1'000'000,
       .redis = redis,
       .environment = {{"MAX_STREAMS_PER_ENGINE", "1"}, {"PROXY_GRACE_PERIOD", "10m"}}}};
  for (unsigned channel = 1; channel <= 4; ++channel) {
    CAPTURE(channel);
    Viewers viewers{service.port()};
    viewers.open(1, stream_target(stream_id(channel)));
    REQUIRE(all_served(viewers, 10s));
    if (channel < 4) continue;
    // A stream that is watched keeps its place.
    CHECK(service.get(stream_target(stream_id(9))).status == 503);
    CHECK(viewers.count(ViewerState::Streaming) == 1);
    CHECK(service.engines().state().engine(0, "sessions_alive") == 1);
  }
}

TEST_CASE("a stream that nobody watches gives its place to another host's viewer", "[selection]") {
  const RedisServer redis;
  const SimProcess engines{{.bitrate = 1'000'000}};
  const auto host = [&](const std::string& name) {
    return ProxyProcess::Environment{
        {"PROXY_HOST_NAME", name},
        {"PROXY_WORKERS", "2"},
        {"REDIS_SOCKET", redis.endpoint().socket},
        {"PROXY_GRACE_PERIOD", "10m"},
        {"ACE_ENGINES", fmt::format("127.0.0.1:{};max_streams=1", engines.port(0))}};
  };
  const ProxyProcess a{host("host-a")};
  const ProxyProcess b{host("host-b")};
  {
    Viewers at_a{a.port()};
    start(at_a, 1, 1);
    REQUIRE(all_served(at_a, 20s));
  }
  Viewers at_b{b.port()};
  start(at_b, 2, 1);
  CHECK(all_served(at_b, 20s));
}

TEST_CASE("an engine by two names has one load", "[selection]") {
  const SimProcess engines{{.bitrate = 1'000'000}};
  const auto port = engines.port(0);
  const Service service{
      {.workers = 2,
       .environment = {{"ACE_ENGINES", fmt::format("127.0.0.1:{0};max_streams=1,"
                                                   "localhost:{0};max_streams=1,"
                                                   "[::ffff:127.0.0.1]:{0};max_streams=1",
                                                   port)}}}};
  const auto is_known_as_one = [](const HttpReply& reply) {
    const auto json = json_of(reply.body);
    return std::ranges::count_if(
               json.GetArray(), [](const auto& engine) { return engine["listed"].GetBool(); }) == 1;
  };
  REQUIRE(service.every_worker("/engines", is_known_as_one, 20s));
  Viewers viewers{service.port()};
  start(viewers, 1, 1);
  REQUIRE(all_served(viewers, 20s));
  CHECK(service.get(stream_target(stream_id(2))).status == 503);
  CHECK(engines.state().engine(0, "sessions_opened") == 1);
}

TEST_CASE("of each engine that is not to be had it is told why", "[selection]") {
  const Service service{{.workers = 2,
                         .engines = 3,
                         .bitrate = 1'000'000,
                         .environment = {{"MAX_STREAMS_PER_ENGINE", "1"}, {"API_KEY", "sesame"}}}};
  const auto drained = engine_id(service, 0);
  const auto broken = engine_id(service, 1);
  const auto full = engine_id(service, 2);
  const HeaderList key{{"Authorization", "Bearer sesame"}, {"Content-Length", "0"}};
  REQUIRE(http_request(service.port(), "POST", "/engines/" + drained + "/drain", key).status ==
          200);
  service.engines().fault("http_500", "getstream", 1);
  Viewers viewers{service.port()};
  start(viewers, 1, 1);
  REQUIRE(all_served(viewers, 10s));
  const auto reply = service.get(stream_target(stream_id(2)));
  CAPTURE(reply.body);
  CHECK(reply.status == 502);
  const auto engines = told(reply);
  REQUIRE(engines.size() == 3);
  CHECK(engines.at(drained) == drained + ": is being drained");
  CHECK_THAT(engines.at(broken), Catch::Contains("getstream"));
  CHECK(engines.at(full) == full + ": is full: 1 of 1 streams");
}

TEST_CASE("an engine that failed is passed over by the streams that follow", "[selection]") {
  const Service service{{.workers = 2, .engines = 2, .bitrate = 1'000'000}};
  service.engines().fault("http_500", "getstream", 0);
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= 3; ++i) {
    start(viewers, i, 1);
    REQUIRE(all_served(viewers, 20s));
  }
  CHECK(service.engines().state().requests(0, "getstream") == 1);
  CHECK(service.engines().state().engine(1, "sessions_opened") == 3);
}

TEST_CASE("an engine that does not answer is found out before anybody is sent there",
          "[selection]") {
  Service service{{.workers = 2,
                   .engines = 2,
                   .bitrate = 1'000'000,
                   .environment = {{"PROXY_ENGINE_CHECK_INTERVAL", "100ms"}}}};
  service.engines().fault("refuse", "", 0);
  REQUIRE(wait_until([&] { return count_events(service.proxy().log(), "engine_unhealthy") == 1; },
                     20s));
  Viewers viewers{service.port()};
  start(viewers, 1, 3);
  REQUIRE(all_served(viewers, 20s));
  CHECK(count_events(service.proxy().log(), "engine_session_failed") == 0);
  CHECK(service.engines().state().engine(1, "sessions_opened") == 3);
  viewers.close_all();

  service.engines().clear_faults(0);
  REQUIRE(
      wait_until([&] { return count_events(service.proxy().log(), "engine_healthy") == 1; }, 20s));
  Viewers later{service.port()};
  start(later, 4, 1);
  REQUIRE(all_served(later, 20s));
  CHECK(service.engines().state().engine(0, "sessions_opened") == 1);
}

TEST_CASE("two starts on one engine keep their distance", "[selection]") {
  const Service service{
      {.workers = 2, .bitrate = 1'000'000, .environment = {{"PROXY_ENGINE_SETTLE", "1500ms"}}}};
  const auto begun = std::chrono::steady_clock::now();
  Viewers viewers{service.port()};
  start(viewers, 1, 3);
  REQUIRE(all_served(viewers, 20s));
  CHECK(std::chrono::steady_clock::now() - begun >= 3s);
}
