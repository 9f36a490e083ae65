#include "tests/e2e/stream/players.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// One of it is the stream's first client and waits for the engine. Another one comes when the
/// stream has run for a while, and to the worker that follows, since the owner has its fill.
void check_plays(const Player& player) {
  if (!is_installed(player)) return;
  const Service service{{.workers = 2, .source = "ffmpeg"}};
  const auto id = stream_id(1);
  const auto url = fmt::format("http://127.0.0.1:{}{}", service.port(), stream_target(id));
  auto first = start(player, url);
  Viewers others{service.port()};
  REQUIRE(others.run_until([&] { return !service.started_streams().empty(); }, 20s));
  others.open(8, stream_target(id), {.discard = true});
  REQUIRE(all_served(others, 20s));
  others.run_for(8s);
  auto late = start(player, url);
  check_played(player, first, others, "came first");
  check_played(player, late, others, "joined late");
  CHECK(service.engines().state().stream(id).opened == 1);
  for (const auto& worker : service.workers())
    CHECK(worker.chunks_fetched + worker.bytes_from_engines > 0);
}

}  // namespace

TEST_CASE("ffmpeg plays a new stream and a running one", "[players]") { check_plays(ffmpeg()); }
TEST_CASE("curl brings a new stream and a running one", "[players]") {
  check_plays(curl_into_ffmpeg());
}
TEST_CASE("mpv plays a new stream and a running one", "[players]") { check_plays(mpv()); }
TEST_CASE("VLC plays a new stream and a running one", "[players]") { check_plays(vlc()); }
TEST_CASE("GStreamer plays a new stream and a running one", "[players]") {
  check_plays(gstreamer());
}
