#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/http_request.h"
#include "tests/support/process/long_run.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;
constexpr auto kPatience = 30s;

bool write_text(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file{path};
  file << text << std::flush;
  return file.good();
}

/// A memory control group (cgroup, version 1 or 2) with a limit, for processes that are started
/// while this one is in it. Where they exceed the limit the kernel kills one of them.
class LimitedGroup {
 public:
  /// Whether this process may make such groups.
  static bool is_possible() {
    const auto probe = folder_of("ace-probe");
    std::error_code error;
    std::filesystem::create_directory(probe, error);
    const bool has_limit = !error && std::filesystem::exists(probe / limit_file());
    std::filesystem::remove(probe, error);
    return ::geteuid() == 0 && has_limit;
  }

  explicit LimitedGroup(std::uint64_t limit) {
    std::filesystem::create_directory(folder_);
    REQUIRE(write_text(folder_ / limit_file(), std::to_string(limit)));
  }
  ~LimitedGroup() {
    leave();
    // The last process in it may take a moment to go.
    static_cast<void>(wait_until([&] { return ::rmdir(folder_.c_str()) == 0; }, 10s));
  }
  LimitedGroup(const LimitedGroup&) = delete;
  LimitedGroup& operator=(const LimitedGroup&) = delete;

  void enter() const { REQUIRE(write_text(folder_ / "cgroup.procs", std::to_string(::getpid()))); }
  void leave() const { write_text(root() / "cgroup.procs", std::to_string(::getpid())); }
  /// Processes that the kernel has killed for their memory.
  [[nodiscard]] std::uint64_t kills() const {
    std::ifstream file{folder_ / (is_first() ? "memory.oom_control" : "memory.events")};
    std::string name;
    for (std::uint64_t number{}; file >> name >> number;) {
      if (name == "oom_kill") return number;
    }
    return 0;
  }

 private:
  static bool is_first() { return std::filesystem::exists("/sys/fs/cgroup/memory/cgroup.procs"); }
  static std::filesystem::path root() {
    return is_first() ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
  }
  static const char* limit_file() { return is_first() ? "memory.limit_in_bytes" : "memory.max"; }
  static std::filesystem::path folder_of(const std::string& name) {
    return root() / fmt::format("{}-{}", name, ::getpid());
  }

  std::filesystem::path folder_{folder_of("ace-test")};
};

bool can_limit() {
  if (kIsSanitized) return false;  // shadow memory is several times the program's own
  if (LimitedGroup::is_possible()) return true;
  WARN("skipped: needs root and memory control groups");
  return false;
}

std::vector<pid_t> pids_of(const Service& service) {
  std::vector<pid_t> pids;
  for (const auto& worker : service.workers()) pids.push_back(worker.pid);
  return pids;
}

/// A service whose proxy alone is limited.
struct Limited {
  LimitedGroup group;
  Service service;

  Limited(std::uint64_t limit, std::uint64_t bitrate, ProxyProcess::Environment more = {})
      : group{limit}, service{options(bitrate, std::move(more))} {
    group.enter();
    service.restart_proxy();
    group.leave();
  }
  static ServiceOptions options(std::uint64_t bitrate, ProxyProcess::Environment environment) {
    environment["PROXY_MEMORY_LIMIT"] = "auto";
    return {.workers = 2, .bitrate = bitrate, .environment = std::move(environment)};
  }
};

struct Crowd {
  std::size_t served{}, refused{};
};

Crowd count(const Viewers& viewers) {
  Crowd crowd;
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    const auto& viewer = viewers.at(i);
    if (viewer.status() == 200 && viewer.state() == ViewerState::Streaming) ++crowd.served;
    if (viewer.status() != 503) continue;
    if (viewer.error_body().find("\"memory_short\"") != std::string::npos) ++crowd.refused;
  }
  return crowd;
}

/// Within ten seconds.
void check_back_to_normal(const Service& service, const std::string& target) {
  CHECK(wait_until([&] { return service.get("/readyz").status == 200; }, 10s));
  Viewers late{service.port()};
  late.open(1, target);
  CHECK(all_served(late, kPatience));
}

/// So many viewers come at once, each for a stream of its own.
Crowd let_come(Limited& limited, unsigned streams, std::chrono::seconds stay) {
  auto& service = limited.service;
  const auto before = pids_of(service);
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= streams; ++i) viewers.open(1, stream_target(stream_id(i)));
  const auto all_told = [&] {
    const auto crowd = count(viewers);
    return crowd.served + crowd.refused == streams;
  };
  CHECK(viewers.run_until(all_told, kPatience));
  const auto told = count(viewers);
  viewers.run_for(stay);

  CHECK(limited.group.kills() == 0);
  CHECK(pids_of(service) == before);
  CHECK(count(viewers).served == told.served);
  CHECK(viewers.faults().empty());
  const auto page = service.get("/metrics").body;
  const auto counted =
      fmt::format("ace_proxy_refused_clients_total{{reason=\"memory_short\"}} {}", told.refused);
  CHECK_THAT(page, Catch::Contains(counted));

  viewers.close_all();
  check_back_to_normal(service, stream_target(stream_id(streams + 1)));
  CHECK(limited.group.kills() == 0);
  return told;
}

}  // namespace

TEST_CASE("in 96 MiB who is too many is told 503, and nobody is killed", "[memory_limit]") {
  if (!can_limit()) return;
  Limited limited{96 * kMiB, 4'000'000};
  const auto crowd = let_come(limited, 60, 14s);
  CHECK(crowd.served >= 5);
  CHECK(crowd.refused >= 5);
}

TEST_CASE("in 256 MiB, too", "[memory_limit]") {
  if (!can_limit() || !is_long_run()) return;
  Limited limited{256 * kMiB, 4'000'000};
  const auto crowd = let_come(limited, 120, 20s);
  CHECK(crowd.served >= 25);
  CHECK(crowd.refused >= 5);
}

TEST_CASE("in 1,024 MiB windows are shortened, and nobody is refused or killed", "[memory_limit]") {
  if (!can_limit() || !is_long_run()) return;
  // Each would hold 16 MB.
  Limited limited{1'024 * kMiB, 2'000'000, {{"PROXY_JOIN_BURST", "60s"}}};
  const auto crowd = let_come(limited, 120, 75s);
  CHECK(crowd.served == 120);
}

TEST_CASE("without Redis windows grow as far as memory goes, and no further", "[memory_limit]") {
  if (!can_limit()) return;
  // A minute of each would be 60 MB.
  Limited limited{96 * kMiB, 8'000'000};
  auto& service = limited.service;
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= 8; ++i) viewers.open(1, stream_target(stream_id(i)));
  REQUIRE(all_served(viewers, kPatience));
  const auto before = pids_of(service);
  service.redis_server().kill();
  viewers.run_for(20s);
  CHECK(limited.group.kills() == 0);
  CHECK(pids_of(service) == before);
  CHECK(viewers.count(ViewerState::Streaming) == 8);
  CHECK(viewers.faults().empty());
}

TEST_CASE("after a flood of unfinished requests viewers are taken again", "[memory_limit]") {
  if (kIsSanitized) return;
  const Service service{
      {.workers = 2, .bitrate = 1'000'000, .environment = {{"PROXY_MEMORY_LIMIT", "120MiB"}}}};
  const std::string request = "POST /engines HTTP/1.1\r\nHost: a\r\nContent-Length: 65001\r\n\r\n" +
                              std::string(65'000, ' ');
  std::vector<ace::UniqueFd> flood;
  for (int i = 0; i < 1'500; ++i) {
    flood.push_back(connect_loopback(service.port()));
    // Who is refused need not take it.
    static_cast<void>(
        ::send(flood.back().get(), request.data(), request.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  }
  flood.clear();
  check_back_to_normal(service, stream_target(stream_id(1)));
}
