#include <signal.h>

#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr unsigned kStreams = 10;
constexpr std::size_t kViewers = 200;
constexpr unsigned kWorkers = 4;
constexpr std::size_t kEngines = 3;
constexpr std::size_t kIdleMemory = 40U << 20U;

/// Viewers that come and go at random, over all streams.
class Crowd {
 public:
  Crowd(const Service& service, unsigned seed) : viewers_{service.port()}, random_{seed} {}

  void churn_for(std::chrono::milliseconds duration) {
    const auto end = std::chrono::steady_clock::now() + duration;
    while (std::chrono::steady_clock::now() < end) {
      for (int i = 0; i < 4 && !watching_.empty(); ++i) leave();
      while (watching_.size() < kViewers) come();
      viewers_.run_for(50ms);
      std::erase_if(watching_, [this](std::size_t i) { return viewers_.at(i).is_over(); });
    }
  }
  [[nodiscard]] const Viewers& viewers() const { return viewers_; }
  void go_home() { viewers_.close_all(); }
  [[nodiscard]] std::size_t pick(std::size_t count) { return random_() % count; }

 private:
  void come() {
    const auto id = stream_id(1 + static_cast<unsigned>(pick(kStreams)));
    watching_.push_back(viewers_.open(1, stream_target(id)));
  }
  void leave() {
    const auto at = watching_.begin() + static_cast<std::ptrdiff_t>(pick(watching_.size()));
    viewers_.close(*at, pick(2) == 0);
    watching_.erase(at);
  }

  Viewers viewers_;
  std::vector<std::size_t> watching_;
  std::mt19937 random_;
};

/// Viewers that look into one stream after the other, each for a moment. Each stream has one who
/// stays, so that it has an owner, whom the others' workers follow.
class Zappers {
 public:
  Zappers(const Service& service, unsigned seed) : viewers_{service.port()}, random_{seed} {
    for (unsigned stream = 0; stream < kZappedStreams; ++stream) staying_.push_back(open(stream));
  }

  void zap_for(std::chrono::milliseconds duration) {
    using Clock = std::chrono::steady_clock;
    for (const auto end = Clock::now() + duration; Clock::now() < end; viewers_.run_for(10ms)) {
      std::erase_if(visits_, [this](const Visit& visit) {
        if (visit.end > Clock::now()) return false;
        viewers_.close(visit.viewer, pick(2) == 0);
        return true;
      });
      for (unsigned stream = 0; stream < kZappedStreams; ++stream) {
        if (viewers_.at(staying_[stream]).is_over()) staying_[stream] = open(stream);
      }
      while (visits_.size() < kZappers) {
        const auto stay = kShortest + std::chrono::milliseconds{pick((kLongest - kShortest) / 1ms)};
        const auto viewer = open(static_cast<unsigned>(pick(kZappedStreams)));
        visits_.push_back({viewer, Clock::now() + stay});
      }
    }
  }
  void go_home() { viewers_.close_all(); }
  [[nodiscard]] const Viewers& viewers() const { return viewers_; }
  [[nodiscard]] std::size_t pick(std::size_t count) { return random_() % count; }

 private:
  static constexpr std::size_t kZappers = 40;
  static constexpr unsigned kZappedStreams = 30;
  static constexpr std::chrono::milliseconds kShortest{20};
  static constexpr std::chrono::milliseconds kLongest{300};
  struct Visit {
    std::size_t viewer{};
    std::chrono::steady_clock::time_point end;
  };

  std::size_t open(unsigned stream) {
    return viewers_.open(1, stream_target(stream_id(1 + stream)));
  }

  Viewers viewers_;
  std::vector<std::size_t> staying_;  ///< by stream
  std::vector<Visit> visits_;
  std::mt19937 random_;
};

std::vector<WorkerRow> serving_workers(const Service& service) {
  auto rows = service.workers();
  std::erase_if(rows, [](const auto& row) { return row.phase != "serving"; });
  return rows;
}

/// What no viewer may ever see: a killed worker's own viewers are cut off, but get no wrong bytes.
std::string wrong_bytes(const Viewers& viewers) {
  std::string found;
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    for (const auto& record : viewers.at(i).checker().faults()) {
      using enum StreamFault;
      if (record.fault == BadSync || record.fault == Corrupt || record.fault == Foreign) {
        found += std::to_string(i) + ": " + std::string{to_string(record.fault)} + ", " +
                 record.text + "\n";
      }
    }
  }
  return found;
}

bool is_quiet(const Service& service) {
  const auto rows = serving_workers(service);
  return rows.size() == kWorkers && std::ranges::all_of(rows, [](const auto& row) {
           return row.clients == 0 && row.owned_streams == 0;
         });
}

}  // namespace

TEST_CASE("after a crowd and the deaths of workers nothing is left", "[churn]") {
  Service service{{.workers = kWorkers,
                   .engines = kEngines,
                   .bitrate = 500'000,
                   .environment = {{"PROXY_HEARTBEAT_INTERVAL", "1s"},
                                   {"PROXY_GHOST_CLIENT_MULTIPLIER", "2"},
                                   {"PROXY_GRACE_PERIOD", "1s"},
                                   {"PROXY_BUFFER_TTL", "10s"}}}};
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  Crowd crowd{service, seed};
  const int deaths = is_long_run() ? 11 : 3;
  crowd.churn_for(5s);
  for (int i = 0; i < deaths; ++i) {
    REQUIRE(wait_until([&] { return !serving_workers(service).empty(); }, 10s));
    const auto rows = serving_workers(service);
    ::kill(rows.at(crowd.pick(rows.size())).pid, SIGKILL);
    crowd.churn_for(5s);
  }
  CHECK(wrong_bytes(crowd.viewers()) == "");
  CHECK(crowd.viewers().count(ViewerState::Broken) == 0);
  CHECK(service.proxy().is_alive());
  // Only those whose worker died are cut off; nobody is sent away.
  CHECK(crowd.viewers().count(ViewerState::Finished) == 0);
  CHECK(crowd.viewers().count(ViewerState::Refused) == 0);
  CHECK(crowd.viewers().count_with_bytes(1) > crowd.viewers().size() / 2);

  crowd.go_home();
  CHECK(wait_until([&] { return is_quiet(service); }, 60s));
  const auto no_keys = [&] { return service.redis_count({"KEYS", "ace_proxy:stream:*"}) == 0; };
  CHECK(wait_until(no_keys, 60s));
  // A session whose owner died and that nobody took over ends by itself, for want of a reader.
  const auto no_sessions = [&] {
    const auto state = service.engines().state();
    std::uint64_t left = 0;
    for (std::size_t engine = 0; engine < kEngines; ++engine) {
      left += state.engine(engine, "playback_connections") + state.engine(engine, "sessions_alive");
    }
    return left == 0;
  };
  CHECK(wait_until(no_sessions, 60s));
  for (const auto& worker : service.workers()) {
    INFO("worker " << worker.id);
    if (!kIsSanitized) CHECK(resident_bytes(worker.pid) < kIdleMemory);
  }
}

TEST_CASE("who zaps gets the stream it asked for, whatever happens to workers and Redis",
          "[churn]") {
  Service service{{.workers = kWorkers,
                   .engines = kEngines,
                   .bitrate = 500'000,
                   .environment = {{"PROXY_GRACE_PERIOD", "100ms"}}}};
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  Zappers zappers{service, seed};
  const int rounds = is_long_run() ? 40 : 3;
  for (int i = 0; i < rounds; ++i) {
    zappers.zap_for(1500ms);
    static_cast<void>(service.redis({"CLIENT", "KILL", "TYPE", "normal"}));
    zappers.zap_for(500ms);
    static_cast<void>(service.redis({"CLIENT", "KILL", "TYPE", "pubsub"}));
    service.redis_server().pause();
    zappers.zap_for(700ms);
    service.redis_server().resume();
    zappers.zap_for(800ms);
    const auto rows = serving_workers(service);
    // Who dies faster than new ones are started leaves nobody to zap with.
    if (rows.size() == kWorkers) ::kill(rows.at(zappers.pick(kWorkers)).pid, SIGKILL);
  }
  zappers.zap_for(1500ms);
  CHECK(wrong_bytes(zappers.viewers()) == "");
  CHECK(zappers.viewers().count(ViewerState::Broken) == 0);
  CHECK(zappers.viewers().count_with_bytes(1) > 100);
  CHECK(service.proxy().is_alive());
  zappers.go_home();
  CHECK(wait_until([&] { return is_quiet(service); }, 60s));
}
