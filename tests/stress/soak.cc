#include "tests/stress/soak.h"

#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "tests/e2e/stream/service.h"
#include "tests/stress/engine_trouble.h"
#include "tests/stress/soak_crowd.h"
#include "tests/stress/trend.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/wait_until.h"

namespace ace::stress {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr double kMegabyte = 1e6;
/// A worker that owns and serves all of it.
constexpr double kMostMemory = 96;
constexpr auto kBetweenReadings = 2s;
constexpr auto kTurn = 500ms;
constexpr auto kSettling = 10s;
constexpr auto kTakeoverTimeout = 30s;
/// Longer than all that ends by itself: chunks, clients' records, sessions that nobody reads.
constexpr auto kTidyTimeout = 90s;
/// Connections to Redis and engines that are kept for the next use.
constexpr std::size_t kKeptDescriptors = 12;

std::size_t descriptors_of(pid_t process) {
  std::error_code gone;
  const std::filesystem::directory_iterator all{fmt::format("/proc/{}/fd", process), gone};
  return gone ? 0 : static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// The service, and what is known of its oldest processes.
class Subject {
 public:
  explicit Subject(const Soak& plan)
      : plan_{plan},
        service_{{.workers = plan.workers,
                  .engines = plan.engines,
                  .bitrate = plan.bitrate,
                  .environment = {{"PROXY_LOG_LEVEL", "error"},
                                  {"PROXY_BUFFER_TTL", "20s"},
                                  {"PROXY_HEARTBEAT_INTERVAL", "2s"},
                                  {"PROXY_ENGINE_CHECK_INTERVAL", "2s"},
                                  {"PROXY_GRACE_PERIOD", "2s"}}}},
        elder_{service_.workers().front()},
        supervisor_{service_.proxy().pid()},
        elder_descriptors_{descriptors_of(elder_.pid)},
        supervisor_descriptors_{descriptors_of(supervisor_)} {}

  [[nodiscard]] test::Service& service() { return service_; }

  void read_trends() {
    elder_memory_.read(static_cast<double>(test::resident_bytes(elder_.pid)) / kMegabyte);
    supervisor_memory_.read(static_cast<double>(test::resident_bytes(supervisor_)) / kMegabyte);
    redis_memory_.read(static_cast<double>(service_.redis_info("memory", "used_memory")) /
                       kMegabyte);
  }

  /// Workers that serve, but for the elder.
  [[nodiscard]] std::vector<test::WorkerRow> mortals() const {
    auto rows = serving();
    std::erase_if(rows, [&](const auto& row) { return row.pid == elder_.pid; });
    return rows;
  }
  [[nodiscard]] bool elder_owns_all() const {
    const auto rows = serving();
    return std::ranges::any_of(rows, [&](const auto& row) {
      return row.pid == elder_.pid && row.owned_streams == plan_.streams;
    });
  }

  void judge_trends(Violations& violations) const {
    const auto memory = static_cast<double>(test::resident_bytes(elder_.pid)) / kMegabyte;
    violations.demand(memory <= kMostMemory, fmt::format("the oldest worker takes {} MB", memory));
    for (const auto* trend : {&elder_memory_, &supervisor_memory_, &redis_memory_}) {
      fmt::print("{}\n", trend->text());
      violations.demand(trend->is_flat(), "it has grown");
    }
  }

  void judge_leftovers(Violations& violations) {
    violations.demand(test::wait_until([&] { return is_quiet(); }, kTidyTimeout),
                      "workers hold clients or streams when all have gone, or do not serve");
    const auto no_keys = [&] { return service_.redis_count({"KEYS", "ace_proxy:stream:*"}) == 0; };
    violations.demand(test::wait_until(no_keys, kTidyTimeout), "keys of streams are left");
    violations.demand(test::wait_until([&] { return sessions() == 0; }, kTidyTimeout),
                      fmt::format("{} engine sessions are left", sessions()));
    const auto is_tidy = [&] {
      return descriptors_of(elder_.pid) <= elder_descriptors_ + kKeptDescriptors &&
             descriptors_of(supervisor_) <= supervisor_descriptors_;
    };
    violations.demand(test::wait_until(is_tidy, kTidyTimeout), "descriptors are left");
    fmt::print("descriptors: the oldest worker {} (at first {}), the supervisor {} (at first {})\n",
               descriptors_of(elder_.pid), elder_descriptors_, descriptors_of(supervisor_),
               supervisor_descriptors_);
  }

 private:
  [[nodiscard]] std::vector<test::WorkerRow> serving() const {
    auto rows = service_.workers();
    std::erase_if(rows, [](const auto& row) { return row.phase != "serving"; });
    return rows;
  }
  [[nodiscard]] bool is_quiet() const {
    const auto rows = serving();
    return rows.size() == plan_.workers && std::ranges::all_of(rows, [](const auto& row) {
             return row.clients == 0 && row.owned_streams == 0;
           });
  }
  [[nodiscard]] std::uint64_t sessions() const {
    const auto state = service_.engines().state();
    std::uint64_t left = 0;
    for (std::size_t engine = 0; engine < plan_.engines; ++engine) {
      left += state.engine(engine, "sessions_alive");
    }
    return left;
  }

  Soak plan_;
  test::Service service_;
  test::WorkerRow elder_;
  pid_t supervisor_;
  std::size_t elder_descriptors_;
  std::size_t supervisor_descriptors_;
  Trend elder_memory_{"memory of the oldest worker, MB", 6};
  Trend supervisor_memory_{"memory of the supervisor, MB", 1};
  Trend redis_memory_{"memory of Redis, MB", 10};
};

/// Something that is done every so often.
class Every {
 public:
  explicit Every(Steady::duration interval)
      : interval_{interval}, next_{Steady::now() + interval} {}
  [[nodiscard]] bool is_due() {
    if (Steady::now() < next_) return false;
    next_ = Steady::now() + interval_;
    return true;
  }

 private:
  Steady::duration interval_;
  Steady::time_point next_;
};

}  // namespace

std::size_t soak(const Soak& plan) {
  const auto seed = plan.seed != 0 ? plan.seed : std::random_device{}();
  fmt::print("soak for {} min, seed {}\n", plan.duration.count(), seed);
  std::fflush(stdout);
  Violations violations;
  Subject subject{plan};
  EngineTrouble trouble{subject.service().engines(), plan.engines, seed};
  SoakCrowd crowd{subject.service(),
                  {.streams = plan.streams, .staying = plan.staying, .zapping = plan.zapping},
                  seed,
                  violations};
  std::mt19937 random{seed};
  std::size_t kills = 0;
  const auto kill = [&](const test::WorkerRow& victim) {
    crowd.expect_loss(victim.id);
    ::kill(victim.pid, SIGKILL);
    ++kills;
  };
  const auto end = Steady::now() + plan.duration;
  crowd.run_for(kSettling);
  // Who owns all streams has no reason to grow, whoever dies later.
  for (const auto& victim : subject.mortals()) kill(victim);
  crowd.run_for(kSettling);
  // What it takes, the others being gone; a busy machine takes longer.
  const auto patience = Steady::now() + kTakeoverTimeout;
  while (!subject.elder_owns_all() && Steady::now() < patience) crowd.run_for(kTurn);
  violations.demand(subject.elder_owns_all(), "the only worker left does not own all streams");
  Every next_kill{plan.between_kills};
  Every reading{kBetweenReadings};
  while (Steady::now() < end) {
    crowd.run_for(kTurn);
    trouble.turn();
    if (reading.is_due()) subject.read_trends();
    const auto mortals = subject.mortals();
    if (!mortals.empty() && next_kill.is_due()) kill(mortals[random() % mortals.size()]);
  }
  trouble.end_all();
  crowd.go_home();
  fmt::print("{} visits, {} workers killed, {} viewers cut off; engines failed:", crowd.visits(),
             kills, crowd.cut_off());
  for (const auto& [name, count] : trouble.begun()) fmt::print(" {} {}", count, name);
  fmt::print("\n");
  subject.judge_trends(violations);
  subject.judge_leftovers(violations);
  return violations.count();
}

}  // namespace ace::stress
