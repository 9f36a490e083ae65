#include "workers/streams/session/slow_client.h"

#include <catch2/catch.hpp>

using namespace ace::streams;
using namespace std::chrono_literals;
using ace::SteadyTime;
using ace::WallTime;
using ace::clients::ClientPace;
using ace::clients::ClientPause;
using News = SlowClient::News;
using std::chrono::milliseconds;

namespace {

constexpr auto kBurst = 6s;

/// One client, and its time.
struct Watched {
  SlowClient slow;
  SteadyTime now{1h};
  WallTime wall{std::chrono::seconds{1'700'000'000}};

  News tick(milliseconds lag, bool has_skipped = false, ClientPause pause = ClientPause::Socket,
            milliseconds wanted = 0ms) {
    now += 500ms;
    wall += 500ms;
    return slow.tick({.lag = lag, .wanted = wanted, .pause = pause}, kBurst, has_skipped, now,
                     wall);
  }
  /// It takes nothing.
  News fall_behind(milliseconds from, milliseconds to, ClientPause pause = ClientPause::Socket) {
    auto news = News::None;
    for (auto lag = from; lag <= to && news == News::None; lag += 500ms) {
      news = tick(lag, false, pause);
    }
    return news;
  }
};

}  // namespace

TEST_CASE("a client that keeps what it was given at first is not slow", "[slow_client]") {
  Watched client;
  for (int i = 0; i < 100; ++i) CHECK(client.tick(6s) == News::None);
  CHECK_FALSE(client.slow.stall());
}

TEST_CASE("a client that wants to be behind is not slow", "[slow_client]") {
  Watched client;
  for (int i = 0; i < 100; ++i) {
    CHECK(client.tick(35s, false, ClientPause::None, 30s) == News::None);
  }
  CHECK_FALSE(client.slow.stall());
}

TEST_CASE("a client that falls behind is told of, and that it came back", "[slow_client]") {
  Watched client;
  CHECK(client.fall_behind(0s, 7500ms) == News::None);
  CHECK(client.tick(8s) == News::None);  // since 1.5 s beyond what it was given
  CHECK(client.tick(8500ms) == News::Begun);
  REQUIRE(client.slow.stall());
  CHECK(client.slow.stall()->cause == StallCause::ClientSlow);
  CHECK(client.slow.stall()->lasted == 2s);
  CHECK_FALSE(client.slow.stall()->is_over);
  CHECK(client.tick(9s) == News::None);
  CHECK(client.tick(7s) == News::None);  // not yet
  CHECK_FALSE(client.slow.stall()->is_over);
  CHECK(client.tick(100ms) == News::Over);
  CHECK(client.slow.stall()->is_over);
  CHECK(client.slow.stall()->lasted == 3500ms);
  CHECK(client.tick(0ms) == News::None);
  CHECK(client.slow.stall()->lasted == 3500ms);  // what was, stays
}

TEST_CASE("media behind a silence makes nobody slow", "[slow_client]") {
  Watched client;
  CHECK(client.tick(0s) == News::None);
  CHECK(client.tick(30s) == News::None);
  CHECK(client.tick(0s) == News::None);
  CHECK_FALSE(client.slow.stall());
}

TEST_CASE("who is moved forward has stood still, however little there was to hold",
          "[slow_client]") {
  Watched client;
  CHECK(client.tick(4s) == News::None);
  CHECK(client.tick(100ms, true) == News::Over);
  REQUIRE(client.slow.stall());
  CHECK(client.slow.stall()->cause == StallCause::ClientSlow);
  CHECK(client.slow.stall()->lasted == 4s);
}

TEST_CASE("who waits for what is read back is not slow, Redis is", "[slow_client]") {
  Watched client;
  CHECK(client.fall_behind(7s, 20s, ClientPause::Archive) == News::Begun);
  CHECK(client.slow.stall()->cause == StallCause::RedisSlow);
}
