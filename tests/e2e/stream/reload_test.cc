// Workers that are replaced under their viewers: streams, engine sockets and clients go to the new
// ones, and nobody gets a byte less, twice or late.

#include <signal.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/http_request.h"
#include "tests/support/process/long_run.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/temp_dir.h"
#include "tests/support/viewers/numbered_ts.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kStreams = 5;

std::set<pid_t> pids(const Service& service) {
  std::set<pid_t> pids;
  for (const auto& row : service.workers()) {
    if (row.pid > 0) pids.insert(row.pid);  // 0: it is being forked
  }
  return pids;
}

/// Everybody of before is gone, and as many serve in their place.
bool are_replaced(const Service& service, const std::set<pid_t>& before) {
  const auto rows = service.workers();
  return rows.size() == before.size() && std::ranges::all_of(rows, [&](const WorkerRow& row) {
           return row.phase == "serving" && !before.contains(row.pid);
         });
}

/// @returns how long it took; nothing when it took longer than a minute.
std::optional<std::chrono::milliseconds> replace_all(Service& service, Viewers& viewers,
                                                     int signal) {
  const auto before = pids(service);
  const auto begin = std::chrono::steady_clock::now();
  service.proxy().signal(signal);
  const auto deadline = begin + 60s;
  while (!are_replaced(service, before)) {
    if (std::chrono::steady_clock::now() > deadline) return std::nullopt;
    viewers.run_for(50ms);
  }
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() -
                                                               begin);
}

/// Who has not got every byte of its stream, each once.
std::string losses(const Viewers& viewers) {
  std::string text = viewers.faults();
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    const auto& counts = viewers.at(i).checker().counts();
    if (viewers.at(i).state() != ViewerState::Streaming) {
      text += "viewer " + std::to_string(i) + " is not watching any more\n";
    }
    if (counts.missing > 0 || counts.markers > 0) {
      text += "viewer " + std::to_string(i) + " misses " + std::to_string(counts.missing) + "\n";
    }
  }
  return text;
}

/// Each viewer gets so much more.
bool all_go_on(Viewers& viewers, std::uint64_t bytes) {
  std::vector<std::uint64_t> before;
  for (std::size_t i = 0; i < viewers.size(); ++i) before.push_back(viewers.at(i).bytes());
  return viewers.run_until(
      [&] {
        for (std::size_t i = 0; i < viewers.size(); ++i) {
          if (viewers.at(i).bytes() < before[i] + bytes) return false;
        }
        return true;
      },
      60s);
}

void open_all(Viewers& viewers, std::size_t count) {
  for (unsigned i = 1; i <= kStreams; ++i) {
    const auto target = stream_target(stream_id(i));
    viewers.open(count / kStreams - (i == 1 ? 2 : 0), target);
  }
  const auto first = stream_target(stream_id(1));
  // One that trails, and one that takes its bytes without chunks.
  viewers.open(1, first, {.read_limit = 45'000, .receive_buffer = 262'144});
  viewers.open(1, first, {.http10 = true});
}

}  // namespace

TEST_CASE("a reload or an upgrade costs no viewer a byte and no engine a session", "[reload]") {
  const int signal = GENERATE(SIGHUP, SIGUSR2);
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  const int rounds = is_long_run() ? 20 : 3;
  Service service{{.workers = 4, .bitrate = 500'000, .redis = redis}};
  Viewers viewers{service.port()};
  open_all(viewers, 200);
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(all_go_on(viewers, 60'000));

  std::chrono::milliseconds longest{};
  for (int round = 0; round < rounds; ++round) {
    const auto took = replace_all(service, viewers, signal);
    REQUIRE(took);
    longest = std::max(longest, *took);
    CHECK(all_go_on(viewers, 60'000));
    const auto lost = losses(viewers);
    INFO("round " << round << "\n" << lost);
    REQUIRE(lost.empty());
  }
  const auto upgrades = signal == SIGUSR2 ? static_cast<std::size_t>(rounds) : 0;
  CHECK(count_events(service.proxy().log(), "upgraded") == upgrades);
  const auto state = service.engines().state();
  for (unsigned i = 1; i <= kStreams; ++i) CHECK(state.stream(stream_id(i)).opened == 1);
  CHECK(state.engine(0, "stops_received") == 0);
  CHECK(state.requests(0, "playback") == kStreams);
  WARN(rounds
       << (upgrades > 0 ? " upgrades" : " reloads") << ", the longest " << longest.count()
       << " ms, the longest pause of a viewer "
       << std::chrono::duration_cast<std::chrono::milliseconds>(viewers.longest_pause()).count()
       << " ms");
}

TEST_CASE("a thousand viewers notice nothing of an upgrade", "[reload]") {
  const std::size_t count = kIsSanitized ? 400 : 1000;
  Service service{{.workers = 4, .bitrate = 200'000}};
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= kStreams; ++i) {
    viewers.open(count / kStreams, stream_target(stream_id(i)));
  }
  REQUIRE(all_served(viewers, 60s));
  REQUIRE(replace_all(service, viewers, SIGUSR2));
  CHECK(all_go_on(viewers, 60'000));
  CHECK(losses(viewers) == "");
  const auto state = service.engines().state();
  for (unsigned i = 1; i <= kStreams; ++i) CHECK(state.stream(stream_id(i)).opened == 1);
}

TEST_CASE("nobody who asks while workers are replaced is refused", "[reload]") {
  constexpr std::size_t kAsking = 10;
  constexpr std::size_t kRequests = 3'000;
  constexpr int kReloads = 10;
  Service service{{.workers = 4, .bitrate = 200'000}};
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));

  std::atomic<std::size_t> answered{0};
  std::atomic<std::size_t> refused{0};
  std::atomic<bool> are_reloads_over{false};
  {
    std::vector<std::jthread> asking;
    for (std::size_t i = 0; i < kAsking; ++i) {
      asking.emplace_back([&, port = service.port()] {
        while (!are_reloads_over || answered + refused < kRequests) {
          const auto reply = http_request(port, "GET", "/healthz", {}, {.timeout = 30s});
          ++(reply.status == 200 && reply.is_complete ? answered : refused);
        }
      });
    }
    int reloads = 0;
    while (reloads < kReloads && replace_all(service, viewers, SIGHUP)) ++reloads;
    are_reloads_over = true;
    CHECK(reloads == kReloads);
  }
  CHECK(refused == 0);
  CHECK(answered >= kRequests);
  CHECK(losses(viewers) == "");
}

TEST_CASE("viewers far behind live go on at their place", "[reload]") {
  Service service{{.workers = 2, .bitrate = 500'000}};
  Viewers viewers{service.port()};
  const auto target = stream_target(stream_id(1));
  viewers.open(10, target);
  REQUIRE(all_served(viewers, 20s));
  // Further behind than any worker keeps in memory.
  viewers.run_for(22s);
  viewers.open(10, target + "&delay=20");
  REQUIRE(all_served(viewers, 20s));
  for (int round = 0; round < 2; ++round) {
    REQUIRE(replace_all(service, viewers, SIGHUP));
    CHECK(all_go_on(viewers, 120'000));
  }
  CHECK(losses(viewers) == "");
  // By the broadcaster's clock: a viewer of live may be some seconds late itself.
  const auto live =
      NumberedStream{infohash_of_content(stream_id(1)), 500'000}.seq_at(ace::SystemClock{}.now());
  for (std::size_t i = 10; i < viewers.size(); ++i) {
    const auto place = viewers.at(i).checker().last_seq().value();
    CHECK(place + 12 * 500'000 / 8 / 188 < live);  // its delay, less the burst
  }
  CHECK(service.engines().state().stream(stream_id(1)).opened == 1);
}

TEST_CASE("a worker that dies in the middle of a reload freezes nobody's stream", "[reload]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  const bool is_heir = GENERATE(true, false);
  Service service{{.workers = 4, .bitrate = 500'000, .redis = redis}};
  Viewers viewers{service.port()};
  open_all(viewers, 100);
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(all_go_on(viewers, 60'000));

  const auto before = pids(service);
  service.proxy().signal(SIGHUP);
  pid_t victim = 0;
  REQUIRE(viewers.run_until(
      [&] {
        const auto now = pids(service);
        const auto heir = std::ranges::find_if(now, [&](pid_t p) { return !before.contains(p); });
        const auto old = std::ranges::find_if(now, [&](pid_t p) { return before.contains(p); });
        if (heir == now.end() || old == now.end()) return false;
        victim = is_heir ? *heir : *old;
        return true;
      },
      20s));
  ::kill(victim, SIGKILL);
  REQUIRE(viewers.run_until([&] { return are_replaced(service, before); }, 30s));

  std::vector<std::size_t> survivors;
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    if (viewers.at(i).state() == ViewerState::Streaming) survivors.push_back(i);
  }
  CHECK(survivors.size() >= 40);  // the others were on the worker that died
  std::map<std::size_t, std::uint64_t> bytes;
  for (const auto i : survivors) bytes[i] = viewers.at(i).bytes();
  CHECK(viewers.run_until(
      [&] {
        return std::ranges::all_of(
            survivors, [&](auto i) { return viewers.at(i).bytes() > bytes[i] + 120'000; });
      },
      30s));
  for (const auto i : survivors) {
    const auto& checker = viewers.at(i).checker();
    INFO("viewer " << i << (checker.is_clean() ? "" : checker.faults().front().text));
    CHECK(checker.is_clean());  // a jump is marked
  }
  // A stream whose viewers were all with the dead worker is minded without an engine, and ends.
  const auto state = service.engines().state();
  for (unsigned i = 1; i <= kStreams; ++i) {
    const auto tag = stream_tag(infohash_of_content(stream_id(i)));
    const bool is_watched = std::ranges::any_of(
        survivors, [&](auto each) { return viewers.at(each).checker().tag() == tag; });
    CHECK(state.stream(stream_id(i)).alive <= 1);
    if (is_watched) CHECK(state.stream(stream_id(i)).alive == 1);
  }
}

TEST_CASE("who watches when memory becomes short goes on, who comes is told later", "[reload]") {
  const TempDir dir;
  const auto file = dir.file("ace.toml");
  std::ofstream{file} << "PROXY_MEMORY_LIMIT = \"0\"\n";
  Service service{{.workers = 2, .bitrate = 500'000, .environment = {{"PROXY_CONFIG", file}}}};
  Viewers viewers{service.port()};
  viewers.open(10, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  const auto is_ready = [&] { return service.get("/readyz").status == 200; };
  REQUIRE(viewers.run_until(is_ready, 20s));

  // Far less than any worker holds.
  std::ofstream{file} << "PROXY_MEMORY_LIMIT = \"1MiB\"\n";
  REQUIRE(replace_all(service, viewers, SIGHUP));
  for (int i = 0; i < 4; ++i) {
    const auto refused = service.get(stream_target(stream_id(2)));
    CHECK(refused.status == 503);
    CHECK(refused.headers.find("retry-after"));
    CHECK_THAT(refused.body, Catch::Contains("\"memory_short\""));
  }
  CHECK_THAT(service.get("/readyz").body, Catch::Contains("\"memory_short\""));
  CHECK(service.get("/healthz").status == 200);
  CHECK(all_go_on(viewers, 120'000));
  CHECK(losses(viewers).empty());
  CHECK(count_events(service.proxy().log(), "memory_short") > 0);

  std::ofstream{file} << "PROXY_MEMORY_LIMIT = \"1GiB\"\n";
  REQUIRE(replace_all(service, viewers, SIGHUP));
  viewers.open(1, stream_target(stream_id(2)));
  CHECK(all_served(viewers, 20s));
  CHECK(losses(viewers).empty());
}

TEST_CASE("a bad config at a reload changes nothing for viewers", "[reload]") {
  const TempDir dir;
  const auto file = dir.file("ace.toml");
  std::ofstream{file} << "PROXY_GRACE_PERIOD = \"5s\"\n";
  Service service{{.workers = 2, .bitrate = 500'000, .environment = {{"PROXY_CONFIG", file}}}};
  Viewers viewers{service.port()};
  viewers.open(10, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  const auto before = pids(service);
  std::ofstream{file} << "PROXY_GRACE_PERIOD = \"some\"\n";
  service.proxy().signal(SIGHUP);
  CHECK(viewers.run_until(
      [&] { return count_events(service.proxy().log(), "reload_refused") == 1; }, 10s));
  CHECK(all_go_on(viewers, 120'000));
  CHECK(pids(service) == before);
  CHECK(losses(viewers).empty());
  CHECK(service.engines().state().stream(stream_id(1)).opened == 1);
}
