#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr const char* kIp = "/usr/sbin/ip";

/// Runs a program to its end; true if it said that all went well.
bool run(const std::string& program, const std::vector<std::string>& arguments) {
  ChildProcess process{"step", program, {.arguments = arguments}};
  const auto end = process.wait(10s);
  return end && end->code == 0;
}

std::string network_of(pid_t process) {
  std::error_code ignored;
  const auto link = "/proc/" + std::to_string(process) + "/ns/net";
  return std::filesystem::read_symlink(link, ignored).string();
}

/// A viewer in a network of its own, behind a cable that can be cut.
class DistantViewer {
 public:
  /// Whether this process may make networks, and has the tools for it.
  static bool is_possible() {
    for (const auto* tool : {"/usr/bin/unshare", "/usr/bin/nsenter", kIp, "/usr/bin/curl"}) {
      if (!std::filesystem::exists(tool)) return false;
    }
    return ::geteuid() == 0 && run("/usr/bin/unshare", {"--net", kIp, "link"});
  }

  DistantViewer(std::uint16_t port, const std::string& target)
      : viewer_{"viewer",
                "/usr/bin/unshare",
                {.arguments = {"--net", "/bin/sh", "-c",
                               fmt::format("until ip link show far; do sleep 0.05; done;"
                                           "ip addr add {}/30 dev far; ip link set far up;"
                                           "exec curl -sS -o /dev/null http://{}:{}{}",
                                           address(2), address(1), port, target)}}} {
    const auto here = network_of(::getpid());
    const auto has_moved = [&] {
      const auto there = network_of(viewer_.pid());
      return !there.empty() && there != here;
    };
    REQUIRE(wait_until(has_moved, 10s));
    const auto pid = std::to_string(viewer_.pid());
    cable_ = "ace" + pid;
    REQUIRE(run(kIp, {"link", "add", cable_, "type", "veth", "peer", "name", "far", "netns", pid}));
    REQUIRE(run(kIp, {"addr", "add", address(1) + "/30", "dev", cable_}));
    REQUIRE(run(kIp, {"link", "set", cable_, "up"}));
  }

  /// The network outlives its process for minutes, for what its sockets have not got rid of; with
  /// this end of the cable the other one goes at once.
  ~DistantViewer() { static_cast<void>(run(kIp, {"link", "del", cable_})); }
  DistantViewer(const DistantViewer&) = delete;
  DistantViewer& operator=(const DistantViewer&) = delete;

  /// From now on nothing comes through, in either direction; the viewer itself does not notice.
  void cut_cable() {
    REQUIRE(run("/usr/bin/nsenter", {"--net", "--target", std::to_string(viewer_.pid()), kIp,
                                     "link", "set", "far", "down"}));
  }
  [[nodiscard]] bool is_alive() { return viewer_.is_alive(); }

 private:
  /// Of the range for benchmarks (RFC 2544); different for tests that run side by side.
  static std::string address(int last) {
    const auto number = static_cast<unsigned>(::getpid());
    return fmt::format("198.18.{}.{}", number / 64 % 256, number % 64 * 4 + unsigned(last));
  }

  ChildProcess viewer_;
  std::string cable_;
};

/// A viewer vanishes; within `limit` nobody counts it any more, and after `grace` its stream ends.
void let_vanish(ProxyProcess::Environment environment, std::chrono::seconds limit,
                std::chrono::seconds grace) {
  environment["PROXY_LISTEN"] = "0.0.0.0:0";
  Service service{{.workers = 2, .bitrate = 2'000'000, .environment = std::move(environment)}};
  const auto id = stream_id(1);
  const auto clients = stream_key(id, "clients");
  DistantViewer viewer{service.port(), stream_target(id)};
  const auto is_watching = [&] {
    const auto session = service.engines().state().stream(id);
    return session.bytes_sent > 500'000 && service.redis_count({"SMEMBERS", clients}) == 1;
  };
  REQUIRE(wait_until(is_watching, 20s));
  REQUIRE(viewer.is_alive());

  viewer.cut_cable();
  CHECK(wait_until([&] { return service.redis_count({"SMEMBERS", clients}) == 0; }, limit));
  const auto is_stopped = [&] {
    return service.engines().state().engine(0, "stops_received") == 1 &&
           service.redis_count({"KEYS", stream_key(id, "*")}) == 0;
  };
  CHECK(wait_until(is_stopped, grace));
  // It still believes in its stream: what ended that was silence, no word of its own.
  CHECK(viewer.is_alive());
  for (const auto& worker : service.workers()) CHECK(worker.clients == 0);
}

}  // namespace

TEST_CASE("a client that vanishes without a word is forgotten, and its stream ends",
          "[vanished_client]") {
  if (!DistantViewer::is_possible()) {
    WARN("skipped: needs root, a network namespace, and ip, nsenter, unshare and curl");
    return;
  }
  if (is_long_run()) {
    let_vanish({}, 50s, 15s);  // as people have it
  } else {
    let_vanish({{"PROXY_STALLED_CLIENT_TIMEOUT", "3s"}, {"PROXY_GRACE_PERIOD", "1s"}}, 20s, 10s);
  }
}
