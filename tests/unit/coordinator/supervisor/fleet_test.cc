#include "coordinator/supervisor/fleet.h"

#include <sys/wait.h>

#include <csignal>
#include <memory>

#include <catch2/catch.hpp>

using namespace ace::supervisor;
using namespace std::chrono_literals;
using ace::UniqueFd;

namespace {

class ManualClock final : public ace::Clock {
 public:
  [[nodiscard]] ace::SteadyTime now() const override { return now_; }
  [[nodiscard]] ace::WallTime wall_now() const override { return {}; }
  void advance(milliseconds by) { now_ += by; }

 private:
  ace::SteadyTime now_{1000s};
};

/// Forks nothing: every child is a number, and the test says what becomes of it.
class ScriptedProcesses final : public ProcessApi {
 public:
  ace::Result<pid_t> fork(const std::function<int()>&) override {
    if (refuses) return ace::fail(ace::Errc::System, "fork: no more processes");
    return next_pid_++;
  }
  void kill(pid_t pid, int signal) override { kills.emplace_back(pid, signal); }
  std::optional<ChildExit> reap() override { return std::nullopt; }

  bool refuses{};
  std::vector<std::pair<pid_t, int>> kills;

 private:
  pid_t next_pid_{100};
};

struct Bench {
  ManualClock clock;
  ScriptedProcesses processes;
  std::unique_ptr<ace::host::Scoreboard> board = std::make_unique<ace::host::Scoreboard>();
  /// The children's ends do not exist here: ready is said by `say_ready`.
  Fleet fleet{processes, clock, *board, [](ace::host::WorkerRef, UniqueFd) { return 0; }};

  explicit Bench(unsigned workers) {
    fleet.want(workers);
    fleet.step();
    beat_all();  // a slot is opened with a beat of the real clock
  }

  void beat_all() {
    for (auto& slot : board->slots) slot.beat_ns = clock.now().time_since_epoch().count();
  }
  /// Time goes by in steps shorter than a supervisor's nap, everybody but `silent` beating.
  void pass(milliseconds time, std::optional<std::uint32_t> silent = {}) {
    for (auto left = time; left > 0ms; left -= 500ms) {
      clock.advance(std::min<milliseconds>(left, 500ms));
      for (std::uint32_t i = 0; i < board->slots.size(); ++i) {
        if (i != silent) board->slots[i].beat_ns = clock.now().time_since_epoch().count();
      }
      fleet.step();
    }
  }
  [[nodiscard]] const WorkerSlot& slot(std::size_t index) const { return fleet.slots()[index]; }
  [[nodiscard]] pid_t pid(std::size_t index) const { return slot(index).pid; }
  void die(std::size_t index, int status = SIGKILL) {
    fleet.on_exit({.pid = pid(index), .status = status});
    fleet.step();
  }
  [[nodiscard]] std::size_t processes_alive() const {
    std::size_t count = 0;
    for (const auto& each : fleet.slots()) count += each.has_process() ? 1U : 0U;
    return count;
  }
};

}  // namespace

TEST_CASE("as many workers start as are wanted, in slots of their own", "[supervisor]") {
  Bench bench{3};
  CHECK(bench.processes_alive() == 3);
  CHECK(bench.slot(2).state == SlotState::Starting);
  CHECK(bench.board->slots[2].pid == bench.pid(2));
  CHECK_FALSE(bench.fleet.is_settled());
}

TEST_CASE("a dead worker's place stays empty for the delay, then is filled", "[supervisor]") {
  Bench bench{2};
  const auto before = bench.slot(0).worker;
  bench.die(0);
  CHECK(bench.slot(0).state == SlotState::BackingOff);
  CHECK(bench.board->slots[0].phase == ace::host::WorkerPhase::Empty);
  REQUIRE(bench.fleet.next_due());
  CHECK(*bench.fleet.next_due() == bench.clock.now() + 200ms);
  bench.pass(200ms);
  CHECK(bench.slot(0).state == SlotState::Starting);
  CHECK(bench.slot(0).worker.generation == before.generation + 1);
}

TEST_CASE("who takes a dead worker's place is counted", "[supervisor]") {
  Bench bench{2};
  CHECK(bench.board->restarts == 0);
  bench.die(0);
  CHECK(bench.board->restarts == 0);
  bench.pass(5s);
  CHECK(bench.board->restarts == 1);
  bench.processes.refuses = true;
  bench.die(1);
  bench.pass(5s);
  CHECK(bench.board->restarts == 1);
}

TEST_CASE("three deaths before anybody was ready are a failed start", "[supervisor]") {
  Bench bench{2};
  bench.die(0);
  bench.die(1);
  CHECK_FALSE(bench.fleet.has_failed_to_start());
  bench.pass(200ms);
  bench.die(0);
  CHECK(bench.fleet.has_failed_to_start());
}

TEST_CASE("a refused fork is tried again later", "[supervisor]") {
  Bench bench{1};
  bench.processes.refuses = true;
  bench.die(0);
  bench.pass(500ms);
  CHECK(bench.processes_alive() == 0);
  CHECK(bench.slot(0).state == SlotState::BackingOff);
  bench.processes.refuses = false;
  bench.pass(1s);
  CHECK(bench.processes_alive() == 1);
}

TEST_CASE("a worker that has not beaten for ten seconds is killed, once", "[supervisor]") {
  Bench bench{2};
  bench.pass(9s, 1);
  CHECK(bench.processes.kills.empty());
  bench.pass(2s, 1);
  REQUIRE(bench.processes.kills.size() == 1);
  CHECK(bench.processes.kills.front() == std::pair<pid_t, int>{bench.pid(1), SIGKILL});
}

TEST_CASE("nobody is killed because the machine slept", "[supervisor]") {
  Bench bench{2};
  bench.clock.advance(1h);
  bench.fleet.step();
  CHECK(bench.processes.kills.empty());
  bench.pass(9s, 1);
  CHECK(bench.processes.kills.empty());
  bench.pass(2s, 1);
  CHECK(bench.processes.kills.size() == 1);
}

TEST_CASE("fewer workers wanted gives up places that wait before workers that serve",
          "[supervisor]") {
  Bench bench{2};
  bench.die(0);
  bench.fleet.want(1);
  bench.fleet.step();
  CHECK(bench.slot(0).state == SlotState::Empty);
  CHECK(bench.processes_alive() == 1);
  bench.pass(1s);
  CHECK(bench.processes_alive() == 1);
}

TEST_CASE("stopping asks everybody and replaces nobody", "[supervisor]") {
  Bench bench{2};
  bench.fleet.stop();
  CHECK(bench.processes.kills.size() == 2);
  CHECK(bench.processes.kills.front().second == SIGTERM);
  bench.die(0, 0);
  bench.die(1, 0);
  bench.pass(1min);
  CHECK(bench.fleet.is_empty());
  CHECK(bench.fleet.has_left_cleanly());
}

TEST_CASE("a worker that stops with an error spoils a clean end", "[supervisor]") {
  Bench bench{1};
  bench.fleet.stop();
  bench.die(0, W_EXITCODE(1, 0));
  CHECK(bench.fleet.is_empty());
  CHECK_FALSE(bench.fleet.has_left_cleanly());
}

TEST_CASE("a worker that never got its handlers may end by SIGTERM", "[supervisor]") {
  Bench bench{1};
  bench.fleet.stop();
  bench.die(0, SIGTERM);
  CHECK(bench.fleet.has_left_cleanly());
}

TEST_CASE("an orphan that is none of ours is ignored", "[supervisor]") {
  Bench bench{1};
  bench.fleet.on_exit({.pid = 99'999, .status = 0});
  CHECK(bench.processes_alive() == 1);
}

TEST_CASE("a crash loop over all places stays within the host's budget", "[supervisor]") {
  Bench bench{4};
  std::size_t restarts = 0;
  for (int step = 0; step < 600; ++step) {
    for (std::size_t i = 0; i < 4; ++i) {
      if (bench.slot(i).has_process()) bench.die(i);
    }
    const auto before = bench.processes_alive();
    bench.pass(100ms);
    restarts += bench.processes_alive() - before;
  }
  CHECK(restarts <= 10);
  CHECK(restarts >= 8);
}

namespace {

WorkerSlot living_worker(std::uint32_t slot, pid_t pid, SlotState state) {
  WorkerSlot worker;
  worker.state = state;
  worker.worker = {.slot = slot, .generation = 4};
  worker.pid = pid;
  return worker;
}

}  // namespace

TEST_CASE("adopted workers are replaced one by one, as in a reload", "[supervisor]") {
  Bench bench{0};
  bench.fleet.adopt(living_worker(0, 11, SlotState::Ready));
  bench.fleet.adopt(living_worker(1, 12, SlotState::Ready));
  bench.fleet.adopt(living_worker(2, 13, SlotState::Draining));
  bench.fleet.want(2);
  bench.fleet.begin_round();
  bench.fleet.step();
  CHECK(bench.processes_alive() == 4);
  CHECK(bench.slot(3).state == SlotState::Starting);
  CHECK(bench.slot(0).state == SlotState::Ready);
  CHECK_FALSE(bench.fleet.is_settled());
  CHECK_FALSE(bench.fleet.is_round_stuck());
}

TEST_CASE("adopted workers serve on while new ones die, however often", "[supervisor]") {
  Bench bench{0};
  bench.fleet.adopt(living_worker(0, 11, SlotState::Ready));
  bench.fleet.want(1);
  bench.fleet.begin_round();
  bench.fleet.step();
  for (int deaths = 0; deaths < 6; ++deaths) {
    REQUIRE(bench.slot(1).state == SlotState::Starting);
    bench.die(1);
    CHECK(bench.slot(0).state == SlotState::Ready);
    CHECK(bench.fleet.is_round_stuck());
    bench.pass(60s);
  }
  CHECK(bench.processes.kills.empty());
  CHECK_FALSE(bench.fleet.has_failed_to_start());
}

TEST_CASE("an adopted worker's pause after deaths goes on where it stood", "[supervisor]") {
  Bench bench{0};
  auto worker = living_worker(0, 0, SlotState::BackingOff);
  worker.restart_at = bench.clock.now() + 8s;
  worker.restarts = RestartPolicy{16s};
  bench.fleet.adopt(std::move(worker));
  bench.fleet.want(1);
  bench.fleet.begin_round();
  bench.pass(7s);
  CHECK(bench.processes_alive() == 0);
  bench.pass(1s);
  REQUIRE(bench.processes_alive() == 1);
  bench.die(0);
  CHECK(*bench.fleet.next_due() == bench.clock.now() + 16s);
}

TEST_CASE("a worker that beats and never gets ready is killed after a minute", "[supervisor]") {
  Bench bench{1};
  bench.pass(59s);
  CHECK(bench.processes.kills.empty());
  bench.pass(2s);
  REQUIRE(bench.processes.kills.size() == 1);
  CHECK(bench.processes.kills.front() == std::pair<pid_t, int>{bench.pid(0), SIGKILL});
}
