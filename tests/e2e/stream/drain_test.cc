// An engine that is to be emptied.

#include <fmt/format.h>

#include <map>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

const HeaderList kKey{{"Authorization", "Bearer sesame"}, {"Content-Length", "0"}};

bool becomes(Viewers& viewers, const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + 40s;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    viewers.run_for(100ms);
  }
  return true;
}

std::string engine_id(const Service& service, std::size_t engine) {
  return fmt::format("127.0.0.1:{}", service.engines().port(engine));
}

int drain(const Service& service, std::string_view method, std::size_t engine) {
  const auto target = fmt::format("/engines/{}/drain", engine_id(service, engine));
  return http_request(service.port(), method, target, kKey).status;
}

bool is_draining(const Service& service, std::size_t engine) {
  const auto json = json_of(service.get("/engines").body);
  for (const auto& row : json.GetArray()) {
    if (row["name"].GetString() == engine_id(service, engine)) return row["draining"].GetBool();
  }
  throw std::runtime_error{"no such engine"};
}

std::uint64_t alive(const Service& service, std::size_t engine) {
  return service.engines().state().engine(engine, "sessions_alive");
}

}  // namespace

TEST_CASE("a drained engine is left by its streams, and their viewers go on", "[drain]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  const Service service{{.workers = 2,
                         .engines = 3,
                         .bitrate = 500'000,
                         .redis = redis,
                         .environment = {{"API_KEY", "sesame"}}}};
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= 10; ++i) viewers.open(4, stream_target(stream_id(i)));
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(alive(service, 0) >= 3);

  REQUIRE(drain(service, "POST", 0) == 200);
  // A worker that read the list just before takes the mark away until it hears of the change.
  CHECK(wait_until([&] { return is_draining(service, 0); }, 10s));
  CHECK(becomes(viewers, [&] { return alive(service, 0) == 0; }));
  const auto bytes = viewers.total_bytes();
  CHECK(viewers.run_until([&] { return viewers.total_bytes() > bytes + 40 * 100'000; }, 30s));
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == 40);
  const auto state = service.engines().state();
  for (unsigned i = 1; i <= 10; ++i) CHECK(state.stream(stream_id(i)).alive == 1);

  const auto opened = state.engine(0, "sessions_opened");
  for (unsigned i = 11; i <= 13; ++i) viewers.open(1, stream_target(stream_id(i)));
  REQUIRE(all_served(viewers, 20s));
  CHECK(service.engines().state().engine(0, "sessions_opened") == opened);

  REQUIRE(drain(service, "DELETE", 0) == 200);
  CHECK(wait_until([&] { return !is_draining(service, 0); }, 10s));
  viewers.open(1, stream_target(stream_id(14)));
  REQUIRE(all_served(viewers, 20s));
  CHECK(service.engines().state().engine(0, "sessions_opened") == opened + 1);
  CHECK(viewers.faults().empty());
}

TEST_CASE("a stream leaves a drained engine as soon as another one has room", "[drain]") {
  const SimProcess engines{{.engines = 2, .bitrate = 500'000}};
  const auto at = [&](std::size_t i) { return fmt::format("127.0.0.1:{}", engines.port(i)); };
  const Service service{
      {.workers = 2,
       .environment = {{"API_KEY", "sesame"},
                       {"PROXY_GRACE_PERIOD", "0"},
                       {"ACE_ENGINES", at(0) + ";name=first;max_streams=1," + at(1) +
                                           ";name=second;max_streams=1"}}}};
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 10s));
  viewers.open(1, stream_target(stream_id(2)));
  REQUIRE(all_served(viewers, 10s));
  const auto alive_on = [&](std::size_t engine, unsigned stream) {
    return engines.state().stream(engine, stream_id(stream)).alive;
  };
  REQUIRE(alive_on(0, 1) == 1);
  REQUIRE(http_request(service.port(), "POST", "/engines/first/drain", kKey).status == 200);
  viewers.run_for(4s);  // longer than the streams of a drained engine take to go
  CHECK(alive_on(0, 1) == 1);
  viewers.close(1);
  CHECK(becomes(viewers, [&] { return alive_on(1, 1) == 1 && alive_on(0, 1) == 0; }));
  CHECK(viewers.at(0).state() == ViewerState::Streaming);
  CHECK(viewers.faults().empty());
}

TEST_CASE("a drain outlives a Redis that forgets", "[drain]") {
  Service service{{.workers = 2, .engines = 2, .environment = {{"API_KEY", "sesame"}}}};
  REQUIRE(drain(service, "POST", 0) == 200);
  const auto stands = [&] {
    return service.redis_number(
               {"HEXISTS", "ace_proxy:engines", "#drain:" + engine_id(service, 0)}) == 1;
  };
  CHECK(wait_until(stands, 10s));
  CHECK(service.redis({"FLUSHALL"}).as_text() == "OK");
  CHECK(wait_until(stands, 20s));
  // The worker that did not write it reads it again.
  CHECK(wait_until([&] { return is_draining(service, 0); }, 10s));
  CHECK_FALSE(is_draining(service, 1));
}

TEST_CASE("what was drained without Redis is told to it when it is back", "[drain]") {
  Service service{{.workers = 2, .engines = 2, .environment = {{"API_KEY", "sesame"}}}};
  service.redis_server().kill();
  REQUIRE(wait_until(
      [&] {
        return std::string{json_of(service.get("/healthz").body)["redis"].GetString()} == "down";
      },
      10s));
  REQUIRE(drain(service, "POST", 1) == 200);
  CHECK(is_draining(service, 1));
  service.redis_server().restart();
  CHECK(wait_until(
      [&] {
        return service.redis_number(
                   {"HEXISTS", "ace_proxy:engines", "#drain:" + engine_id(service, 1)}) == 1;
      },
      20s));
  CHECK(wait_until([&] { return is_draining(service, 1); }, 10s));
}
