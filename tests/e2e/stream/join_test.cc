#include <fmt/format.h>

#include <cstdlib>
#include <list>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

std::string url_of(const Service& service, const std::string& id) {
  return fmt::format("http://127.0.0.1:{}{}", service.port(), stream_target(id));
}

/// How often real players join, and how many seconds each decodes: more with ACE_LONG=1.
struct Effort {
  int joins{8};
  std::string seconds{"3"};
};

Effort effort() {
  if (std::getenv("ACE_LONG") != nullptr) return {.joins = 50, .seconds = "10"};
  return {};
}

}  // namespace

TEST_CASE("who joins late begins decodable, with seconds of media at once, on every worker",
          "[join]") {
  const Service service{{.bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(40, stream_target(id));
  REQUIRE(all_served(viewers, 5s));
  viewers.run_for(7s);
  const auto first = viewers.open(20, stream_target(id));
  // Five seconds of it are there long before they could have been sent live.
  const auto has_burst = [&] {
    return viewers.count_with_bytes(5 * 2'000'000 / 8) == viewers.size();
  };
  CHECK(viewers.run_until(has_burst, 3s));
  for (auto i = first; i < viewers.size(); ++i) CHECK(viewers.at(i).checker().began_decodable());
  CHECK(viewers.workers().size() > 1);
  CHECK(viewers.faults().empty());
}

TEST_CASE("the first viewer on a worker begins decodable out of Redis", "[join]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(8, stream_target(id));  // as many as stay with the owner
  REQUIRE(all_served(viewers, 5s));
  viewers.run_for(5s);
  const auto before = viewers.workers().size();
  const auto first = viewers.open(12, stream_target(id));
  REQUIRE(all_served(viewers, 5s));
  CHECK(viewers.workers().size() > before);
  for (auto i = first; i < viewers.size(); ++i) CHECK(viewers.at(i).checker().began_decodable());
  CHECK(viewers.faults().empty());
}

TEST_CASE("a player that joins anywhere decodes without an error", "[join]") {
  const Service service{{.workers = 2, .source = "ffmpeg"}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(12, stream_target(id), {.discard = true});  // so that both workers have the stream
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(3s);
  const auto [joins, seconds] = effort();
  const std::vector<std::string> arguments{
      "-nostdin", "-v",    "error", "-xerror", "-i", url_of(service, id),
      "-t",       seconds, "-f",    "null",    "-"};
  for (int i = 0; i < joins; ++i) {
    ChildProcess player{"ffmpeg", "/usr/bin/ffmpeg", {.arguments = arguments}};
    REQUIRE(viewers.run_until([&] { return !player.is_alive(); }, 20s));
    const auto exit = player.wait(0ms);
    REQUIRE(exit.has_value());
    CHECK(exit->code == 0);
    CHECK(player.log().empty());
  }
}

TEST_CASE("a probe names the codecs of a running stream at once", "[join]") {
  const Service service{{.workers = 2, .source = "ffmpeg"}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id), {.discard = true});
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(7s);
  ChildProcess probe{"ffprobe",
                     "/usr/bin/ffprobe",
                     {.arguments = {"-v", "error", "-show_entries", "stream=codec_name", "-of",
                                    "csv=p=0", url_of(service, id)}}};
  const auto started = std::chrono::steady_clock::now();
  REQUIRE(viewers.run_until([&] { return !probe.is_alive(); }, 10s));
  const auto took = std::chrono::steady_clock::now() - started;
  UNSCOPED_INFO(probe.log());
  CHECK(probe.log().find("h264") != std::string::npos);
  CHECK(probe.log().find("aac") != std::string::npos);
  // With less media than it wants to see, a probe waits for 5 s of it.
  CHECK(took < 3s);
  WARN("ffprobe took " << std::chrono::duration_cast<std::chrono::milliseconds>(took).count()
                       << " ms");
}
