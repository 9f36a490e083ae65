#include "workers/streams/session/session_reader.h"

#include <string>

#include <catch2/catch.hpp>

#include "tests/integration/streams/feed_world.h"
#include "tests/support/clock/fake_timers.h"

using namespace std::chrono_literals;
using ace::Error;
using ace::streams::SessionReader;
using ace::test::packets;
using ace::test::PlayingEngine;
using ace::test::run_for;
using ace::test::run_until;

namespace {

struct Told final : SessionReader::Listener {
  void on_reader_open(SessionReader&) override { ++opened; }
  void on_reader_headers(SessionReader&) override {}
  [[nodiscard]] bool may_read() const override { return true; }
  void on_reader_packets(SessionReader&, ace::ByteSpan bytes) override { media += bytes.size(); }
  void on_reader_failed(SessionReader&, const Error&) override { ++failed; }
  int opened{};
  int failed{};
  std::size_t media{};
};

struct World {
  ace::loop::Loop loop;
  ace::loop::UvTimerFactory timers{loop};
  ace::test::ManualClock clock;
  ace::test::FakeTimers patience{clock};  ///< of the reader: it ends when a test says so
  ace::curl::Multi curl{loop, timers};
  PlayingEngine engine{loop, ""};
  Told told;

  [[nodiscard]] ace::engines::SessionInfo left_behind() const {
    ace::engines::SessionInfo info;
    info.host = "127.0.0.1";
    info.port = engine.scripted.port();
    info.playback_url = engine.scripted.url("/ace/r/1/2");
    info.command_url = engine.scripted.url("/ace/cmd/1/2");
    return info;
  }
  [[nodiscard]] SessionReader make_reader() {
    ace::engines::EngineAddress address;
    address.host = "127.0.0.1";
    address.port = engine.scripted.port();
    return SessionReader{{.curl = curl, .timers = patience, .clock = clock},
                         address,
                         *ace::proto::StreamId::parse(std::string(40, 'a')),
                         {.connect = 20s},  // in real time: libcurl's
                         SessionReader::Place::Beginning,
                         told};
  }
};

}  // namespace

TEST_CASE("a session is adopted with its first packets", "[reader]") {
  World world;
  auto reader = world.make_reader();
  REQUIRE(reader.adopt(world.left_behind(), 30s));
  REQUIRE(run_until(world.loop, [&] { return world.engine.playbacks() == 1; }));
  CHECK(reader.is_adopting());
  CHECK(world.told.opened == 0);
  world.engine.playback->send(packets('1', 20));
  REQUIRE(run_until(world.loop, [&] { return world.told.media == 20 * 188; }));
  CHECK(world.told.opened == 1);
  CHECK_FALSE(reader.is_adopting());
  world.patience.advance(60s);
  CHECK(world.told.failed == 0);
}

TEST_CASE("of a session that was stopped while it was being adopted nothing more is told",
          "[reader]") {
  World world;
  auto reader = world.make_reader();
  REQUIRE(reader.adopt(world.left_behind(), 200ms));
  REQUIRE(run_until(world.loop, [&] { return world.engine.playbacks() == 1; }));
  reader.stop();
  reader.retire();
  world.engine.playback->send(packets('1', 20));
  REQUIRE(run_until(world.loop, [&] { return world.engine.stops() == 1; }));
  world.engine.playback->reset();
  world.patience.advance(400ms);  // longer than the adoption was to take
  run_for(world.loop, 20ms);
  CHECK(world.told.opened == 0);
  CHECK(world.told.media == 0);
  CHECK(world.told.failed == 0);
}
