#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/e2e/stream/sockets.h"

using namespace ace::test;
using namespace std::chrono_literals;

TEST_CASE("without Redis one stream is one session, and that is said once", "[no_redis]") {
  Service service{{.bitrate = 1'000'000, .redis = RedisIs::Away}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(80, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(4s);
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == 80);
  CHECK(viewers.run_until([&] { return viewers.count_with_bytes(300'000) == 80; }, 20s));
  CHECK(service.engines().state().stream(id).opened == 1);

  const auto health = service.get("/healthz");
  CHECK(health.status == 200);
  CHECK(std::string{json_of(health.body)["redis"].GetString()} == "down");
  CHECK(count_events(service.proxy().log(), "redis_down") == 1);
}

TEST_CASE("without Redis five streams are five sessions", "[no_redis]") {
  const Service service{{.bitrate = 1'000'000, .redis = RedisIs::Away}};
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= 5; ++i) viewers.open(4, stream_target(stream_id(i)));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(2s);
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == 20);
  const auto state = service.engines().state();
  for (unsigned i = 1; i <= 5; ++i) CHECK(state.stream(stream_id(i)).opened == 1);
  CHECK(state.engine(0, "sessions_opened") == 5);
}

TEST_CASE("Redis that is gone for good is not asked without a pause", "[no_redis]") {
  constexpr std::size_t kWorkers = 2;
  constexpr std::size_t kConnections = 3;  // of a worker: commands, chunks, events
  RevolvingPort nobody;
  const Service service{
      {.workers = kWorkers,
       .bitrate = 1'000'000,
       .redis = RedisIs::Away,
       .environment = {
           {"REDIS_SOCKET", ""}, {"REDIS_HOST", "127.0.0.1"}, {"REDIS_PORT", nobody.port()}}}};
  Viewers viewers{service.port()};
  viewers.open(4, stream_target(stream_id(1)));
  const auto turns = [&] { return nobody.turn() == 0; };  // never true: somebody has come
  REQUIRE(viewers.run_until([&] { return nobody.turn() > 0; }, 20s));
  static_cast<void>(viewers.run_until(turns, 6s));  // the pauses grow
  const auto before = nobody.turn();
  static_cast<void>(viewers.run_until(turns, 10s));
  const auto attempts = nobody.turn() - before;
  INFO(attempts << " connects in 10 s");
  CHECK(attempts >= kWorkers * kConnections * 4);  // each 2 s, and it is found again soon
  CHECK(attempts <= kWorkers * kConnections * 11);
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == 4);
}
