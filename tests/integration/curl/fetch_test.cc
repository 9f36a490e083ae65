#include "shared/curl/fetch.h"

#include <cstdlib>
#include <optional>

#include <catch2/catch.hpp>

#include "shared/curl/multi.h"
#include "tests/integration/engines/scripted_engine.h"
#include "tests/support/clock/fake_timers.h"

using namespace std::chrono_literals;
using ace::Errc;
using ace::Result;
using ace::curl::Answer;
using ace::curl::Fetch;
using ace::curl::FetchLimits;
using ace::curl::Multi;
using ace::curl::Phase;
using ace::test::run_until;
using ace::test::ScriptedEngine;

namespace {

/// In real time, libcurl's: no pause of this process is to run it out.
constexpr auto kConnect = 20s;

struct World {
  ace::loop::Loop loop;
  ace::loop::UvTimerFactory timers{loop};
  ace::test::ManualClock clock;
  ace::test::FakeTimers patience{clock};  ///< of the fetch: it ends when a test says so
  ScriptedEngine engine{loop};
  Multi multi{loop, timers};

  std::optional<Result<Answer>> answer;
  std::unique_ptr<Fetch> fetch;

  void start(std::string url, FetchLimits limits = {}) {
    fetch = std::make_unique<Fetch>(
        multi, patience, ace::curl::Request{.url = std::move(url), .connect_timeout = kConnect},
        limits, [this](Result<Answer> got) { answer = std::move(got); });
  }
  bool run() {
    return run_until(loop, [this] { return answer.has_value(); });
  }
};

}  // namespace

TEST_CASE("a small answer comes whole, whatever its status", "[curl]") {
  World world;
  world.engine.on("/a", [](auto& c) { c.answer(503, "not now", "Location: /b\r\n"); });
  world.start(world.engine.url("/a?x=1"));
  CHECK_FALSE(world.answer);
  REQUIRE(world.run());
  REQUIRE(*world.answer);
  CHECK((*world.answer)->status == 503);
  CHECK((*world.answer)->body == "not now");
  CHECK((*world.answer)->location == "/b");
}

TEST_CASE("a request is plain HTTP/1.1 to the host asked for, past any proxy", "[curl]") {
  ::setenv("http_proxy", "http://127.0.0.1:9", 1);
  World world;
  world.engine.on("/", [](auto& c) { c.answer(200, ""); });
  world.start(world.engine.url("/a"));
  REQUIRE(world.run());
  ::unsetenv("http_proxy");
  REQUIRE(*world.answer);
  const auto& head = world.engine.connection("/a")->head();
  CHECK(head.find("GET /a HTTP/1.1\r\n") == 0);
  CHECK(head.find("Upgrade") == std::string::npos);
}

TEST_CASE("an answer over its size is cut off", "[curl]") {
  World world;
  world.engine.on("/", [](auto& c) { c.answer(200, std::string(1001, 'x')); });
  world.start(world.engine.url("/"), {.bytes = 1000, .deadline = 5s});
  REQUIRE(world.run());
  REQUIRE_FALSE(*world.answer);
  CHECK(world.answer->error().code == Errc::TooLarge);
}

TEST_CASE("an answer that never comes ends at the deadline", "[curl]") {
  World world;
  world.start(world.engine.url("/"), {.bytes = 1000, .deadline = 5s});
  REQUIRE(run_until(world.loop, [&] { return world.engine.asked("/") == 1; }));
  world.patience.advance(5s - 1ms);
  CHECK_FALSE(world.answer);
  world.patience.advance(1ms);
  REQUIRE(world.answer);
  REQUIRE_FALSE(*world.answer);
  CHECK(world.answer->error().code == Errc::Timeout);
  CHECK(world.fetch->phase() == Phase::AwaitingHeaders);
}

TEST_CASE("an answer that trickles ends at the deadline too", "[curl]") {
  World world;
  world.engine.on("/", [](auto& c) { c.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"); });
  world.start(world.engine.url("/"), {.bytes = 1000, .deadline = 5s});
  REQUIRE(run_until(world.loop, [&] { return world.fetch->phase() == Phase::Body; }));
  world.patience.advance(5s);
  REQUIRE(world.answer);
  REQUIRE_FALSE(*world.answer);
  CHECK(world.answer->error().code == Errc::Timeout);
}

TEST_CASE("nobody listening is unavailable, before anything was sent", "[curl]") {
  World world;
  const ace::test::ClosedPort closed;
  world.start("http://127.0.0.1:" + std::to_string(closed.port()) + "/");
  REQUIRE(world.run());
  REQUIRE_FALSE(*world.answer);
  CHECK(world.answer->error().code == Errc::Unavailable);
  CHECK(world.fetch->phase() == Phase::Connecting);
}

TEST_CASE("a connection that dies before the answer is closed, and not asked twice", "[curl]") {
  World world;
  world.engine.on("/", [](auto& c) { c.reset(); });
  world.start(world.engine.url("/"));
  REQUIRE(world.run());
  REQUIRE_FALSE(*world.answer);
  CHECK(world.answer->error().code == Errc::Closed);
  CHECK(world.engine.asked("/") == 1);
}

TEST_CASE("an answer cut short of its length is closed", "[curl]") {
  World world;
  world.engine.on("/", [](auto& c) {
    c.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
    c.close();
  });
  world.start(world.engine.url("/"));
  REQUIRE(world.run());
  REQUIRE_FALSE(*world.answer);
  CHECK(world.answer->error().code == Errc::Closed);
}

TEST_CASE("what is no http is a protocol error", "[curl]") {
  World world;
  world.engine.on("/", [](auto& c) {
    c.send("SSH-2.0-OpenSSH_9.2\r\n");
    c.close();
  });
  world.start(world.engine.url("/"));
  REQUIRE(world.run());
  REQUIRE_FALSE(*world.answer);
  CHECK(world.answer->error().code == Errc::Protocol);
}

TEST_CASE("other schemes than http are refused", "[curl]") {
  World world;
  world.start("file:///etc/hostname");
  REQUIRE(world.run());
  REQUIRE_FALSE(*world.answer);
  CHECK(world.answer->error().code == Errc::Protocol);
}

TEST_CASE("a fetch may be destroyed by its own answer", "[curl]") {
  World world;
  world.engine.on("/", [](auto& c) { c.answer(200, "x"); });
  bool called{};
  world.fetch = std::make_unique<Fetch>(
      world.multi, world.patience,
      ace::curl::Request{.url = world.engine.url("/"), .connect_timeout = kConnect}, FetchLimits{},
      [&](Result<Answer>) {
        world.fetch.reset();
        called = true;
      });
  REQUIRE(run_until(world.loop, [&] { return called; }));
}

TEST_CASE("a fetch destroyed while it waits never answers", "[curl]") {
  World world;
  world.start(world.engine.url("/"));
  REQUIRE(run_until(world.loop, [&] { return world.engine.asked("/") == 1; }));
  world.fetch.reset();
  auto* const connection = world.engine.connection("/");
  REQUIRE(run_until(world.loop, [&] { return !connection->is_open(); }));
  CHECK_FALSE(world.answer);
}

TEST_CASE("a name is resolved", "[curl]") {
  World world;
  world.engine.on("/", [](auto& c) { c.answer(200, "x"); });
  world.start("http://localhost:" + std::to_string(world.engine.port()) + "/");
  REQUIRE(world.run());
  CHECK(*world.answer);
}
