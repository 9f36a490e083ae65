#include <fmt/format.h>

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/players.h"
#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

std::string url_of(const Service& service, const std::string& id) {
  return fmt::format("http://127.0.0.1:{}{}", service.port(), stream_target(id));
}

/// How the clients of a stream sit on its two workers.
struct Seats {
  std::uint64_t owner{};
  std::uint64_t follower{};
  bool operator==(const Seats&) const = default;
};

Seats seats_of(const Service& service) {
  Seats seats;
  for (const auto& worker : service.workers()) {
    (worker.owned_streams > 0 ? seats.owner : seats.follower) += worker.clients;
  }
  return seats;
}

/// A viewer of this worker that still watches.
std::size_t viewer_on(const Viewers& viewers, const std::string& worker) {
  std::size_t i = 0;
  while (viewers.at(i).is_over() || viewers.at(i).worker() != worker) ++i;
  return i;
}

struct ProbeRun {
  std::chrono::milliseconds took{};
  std::string log;
};

ProbeRun run_probe(const std::string& url) {
  const auto started = std::chrono::steady_clock::now();
  ChildProcess probe{
      "ffprobe",
      "/usr/bin/ffprobe",
      {.arguments = {"-v", "error", "-show_entries", "stream=codec_name", "-of", "csv=p=0", url}}};
  const auto exit = probe.wait(20s);
  const auto took = std::chrono::steady_clock::now() - started;
  CHECK((exit && exit->code == 0));
  return {.took = std::chrono::duration_cast<std::chrono::milliseconds>(took), .log = probe.log()};
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
  viewers.open(12, stream_target(id), {.discard = true});  // eight stay with the owner
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(7s);
  const auto seats_are = [&](Seats wanted) {
    return viewers.run_until([&] { return seats_of(service) == wanted; }, 20s);
  };
  const auto owner = service.owner().id;
  std::minstd_rand random{std::random_device{}()};
  const int joins = is_long_run() ? 50 : 6;
  const auto decoder = ffmpeg(is_long_run() ? 10 : 7);  // more than the burst
  for (int i = 0; i < joins; ++i) {
    // By turns, a place with the owner comes free, or its worker has its fill.
    const bool joins_owner = i % 2 == 0;
    INFO("join " << i << (joins_owner ? " to the owner" : " to the follower"));
    if (joins_owner) viewers.close(viewer_on(viewers, owner));
    const Seats before{.owner = joins_owner ? 7U : 8U, .follower = 4};
    REQUIRE(seats_are(before));
    viewers.run_for(std::chrono::milliseconds{random() % 1000});  // anywhere in a group of pictures
    auto player = start(decoder, url_of(service, id));
    REQUIRE(seats_are({.owner = 8, .follower = joins_owner ? 4U : 5U}));
    check_played(decoder, player, viewers, "joins");
    REQUIRE(seats_are(before));
    if (joins_owner) viewers.open(1, stream_target(id), {.discard = true});
  }
}

TEST_CASE("a probe names the codecs of a running stream at once", "[join]") {
  const Service service{{.workers = 2, .source = "ffmpeg"}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id), {.discard = true});
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(7s);
  std::vector<std::chrono::milliseconds> times;
  for (int i = 0; i < 10; ++i) {
    if (i == 5) {  // from here on the owner has its fill
      viewers.open(9, stream_target(id), {.discard = true});
      REQUIRE(all_served(viewers, 10s));
    }
    const auto probe = run_probe(url_of(service, id));
    INFO(probe.log);
    CHECK(probe.log.find("h264") != std::string::npos);
    CHECK(probe.log.find("aac") != std::string::npos);
    times.push_back(probe.took);
  }
  std::ranges::sort(times);
  WARN("ffprobe took " << times[5].count() << " ms, at most " << times.back().count());
  // With less media than it wants to see, a probe waits for 5 s of it.
  CHECK(times[5] < 3s);
}
