#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/e2e/supervisor/running.h"
#include "tests/support/process/resident_memory.h"

using namespace ace::test;
using Catch::Contains;

namespace {

const std::string kBuilt = ACE_SUPERVISED_PROGRAM;

/// A program file that is exchanged as packages do it: the new one is renamed over the old one.
class Installed {
 public:
  explicit Installed(const TempFolder& folder) : path_{folder.path("ace-proxy")} { copy(); }

  [[nodiscard]] const std::string& path() const { return path_; }
  /// The same program once more, in another file.
  void copy() {
    std::filesystem::copy_file(kBuilt, path_ + ".new");
    put();
  }
  /// `body` may execute the built program, "$built".
  void script(const std::string& body, unsigned mode = 0755) {
    write_file(path_ + ".new", "#!/bin/sh\nbuilt=" + kBuilt + "\n" + body + "\n");
    REQUIRE(chmod((path_ + ".new").c_str(), mode) == 0);
    put();
  }
  void remove() { REQUIRE(unlink(path_.c_str()) == 0); }
  /// Whether the process runs the file that lies there now.
  [[nodiscard]] bool is_run_by(pid_t pid) const {
    return std::filesystem::read_symlink("/proc/" + std::to_string(pid) + "/exe") == path_;
  }

 private:
  void put() { std::filesystem::rename(path_ + ".new", path_); }

  std::string path_;
};

struct Upgradable {
  TempFolder folder;
  Installed installed{folder};
  Running service;

  explicit Upgradable(unsigned workers, std::vector<std::string> more = {})
      : service{workers, std::move(more), {}, installed.path()} {}

  [[nodiscard]] pid_t pid() const { return service.program.pid(); }
  [[nodiscard]] std::set<pid_t> workers() const { return service.program.workers(); }
  /// Asks for it, and waits until systemd hears of its end.
  void upgrade() {
    service.program.signal(SIGUSR2);
    REQUIRE(service.systemd.hears("RELOADING=1"));
    REQUIRE(service.systemd.hears("READY=1", 40s));
  }
  /// Another program lies there, and is not taken.
  void is_refused(const std::string& reason) {
    const auto before = workers();
    const auto descriptors = descriptors_of(pid());
    upgrade();
    CHECK(workers() == before);
    CHECK_FALSE(ask(service.address()).empty());
    CHECK_THAT(service.program.errors(), Contains("upgrade_refused") && Contains(reason));
    CHECK(holds_at_most(descriptors, pid()));
  }

  /// For a moment there is one more, to tell systemd something.
  static bool holds_at_most(std::size_t descriptors, pid_t pid) {
    return eventually([=] { return descriptors_of(pid) <= descriptors; });
  }
  static std::size_t descriptors_of(pid_t pid) {
    const std::filesystem::directory_iterator all{"/proc/" + std::to_string(pid) + "/fd"};
    return static_cast<std::size_t>(std::distance(begin(all), end(all)));
  }
};

/// A new program that does nothing for ever, by a child of its own.
class Hanging {
 public:
  explicit Hanging(Upgradable& host) : path_{host.folder.path("child")} {
    host.installed.script("sleep 1000 & echo $! >" + path_ + "; wait");
  }
  /// The child's, as soon as it is there.
  [[nodiscard]] pid_t pid() const {
    REQUIRE(eventually([&] { return read_file(path_).ends_with('\n'); }));
    return static_cast<pid_t>(std::stol(read_file(path_)));
  }

 private:
  std::string path_;
};

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t times = 0;
  for (auto at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++times;
  return times;
}

/// Who is orphaned becomes ours.
bool has_left_nobody() {
  pid_t ended{};
  do {
    ended = waitpid(-1, nullptr, WNOHANG);
  } while (ended > 0);
  return ended < 0 && errno == ECHILD;
}

bool share_nobody(const std::set<pid_t>& some, const std::set<pid_t>& others) {
  for (const auto pid : some) {
    if (others.count(pid) != 0) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("ten upgrades keep the pid and refuse nobody", "[upgrade]") {
  Upgradable host{2};
  const auto descriptors = Upgradable::descriptors_of(host.pid());
  const auto of_a_worker = Upgradable::descriptors_of(*host.workers().begin());
  std::size_t memory = 0;
  for (int round = 0; round < 10; ++round) {
    if (round == 1) memory = resident_bytes(host.pid());
    const auto before = host.workers();
    host.installed.copy();
    REQUIRE_FALSE(host.installed.is_run_by(host.pid()));
    host.service.program.signal(SIGUSR2);
    for (int i = 0; i < 30; ++i) CHECK_FALSE(ask(host.service.address()).empty());
    REQUIRE(host.service.systemd.hears("RELOADING=1"));
    REQUIRE(host.service.systemd.hears("READY=1"));
    CHECK(host.installed.is_run_by(host.pid()));
    REQUIRE(eventually([&] { return host.service.has_workers(2); }));
    CHECK(share_nobody(before, host.workers()));
  }
  if (!kIsSanitized) CHECK(resident_bytes(host.pid()) < memory + (1U << 20U));
  CHECK(Upgradable::holds_at_most(descriptors, host.pid()));
  CHECK(Upgradable::holds_at_most(of_a_worker, *host.workers().begin()));
}

TEST_CASE("an upgraded service ends as any other", "[upgrade]") {
  TempFolder folder;
  const auto socket = folder.path("ace.sock");
  Upgradable host{2, {"--listen=127.0.0.1:0,unix:" + socket}};
  host.upgrade();
  REQUIRE(eventually([&] { return host.service.has_workers(2); }));
  const auto workers = host.workers();
  host.service.program.signal(SIGTERM);
  CHECK(host.service.systemd.hears("STOPPING=1"));
  CHECK(host.service.program.exit_code() == 0);
  for (const auto worker : workers) CHECK(has_ended(worker));
  CHECK(has_left_nobody());
  CHECK_FALSE(exists(host.service.port_file));
  CHECK_FALSE(exists(socket));
}

TEST_CASE("an upgraded supervisor replaces workers, and they end with it", "[upgrade]") {
  Upgradable host{2};
  host.upgrade();
  REQUIRE(eventually([&] { return host.service.has_workers(2); }));
  const auto victim = *host.workers().begin();
  kill(victim, SIGKILL);
  REQUIRE(
      eventually([&] { return host.service.has_workers(2) && host.workers().count(victim) == 0; }));
  const auto workers = host.workers();
  host.service.program.signal(SIGKILL);
  CHECK(host.service.program.exit_code() == 128 + SIGKILL);
  for (const auto worker : workers) CHECK(has_ended(worker));
}

TEST_CASE("an upgrade may come in the middle of a reload", "[upgrade]") {
  Upgradable host{3};
  const auto before = host.workers();
  host.installed.copy();
  host.service.program.signal(SIGHUP);
  host.service.program.signal(SIGUSR2);
  CHECK(eventually([&] { return host.installed.is_run_by(host.pid()); }));
  CHECK(eventually(
      [&] { return host.service.has_workers(3) && share_nobody(before, host.workers()); }));
}

TEST_CASE("a port file that cannot be written again ends no upgrade", "[upgrade]") {
  Upgradable host{2};
  const auto before = host.workers();
  const auto address = host.service.address();
  std::filesystem::remove(host.service.port_file);
  std::filesystem::create_directory(host.service.port_file);
  host.upgrade();
  CHECK_THAT(host.service.program.errors(), Contains("port_file_failed"));
  CHECK_FALSE(ask(address).empty());
  REQUIRE(eventually(
      [&] { return host.service.has_workers(2) && share_nobody(before, host.workers()); }));
  host.service.program.signal(SIGTERM);
  CHECK(host.service.program.exit_code() == 0);
}

TEST_CASE("a program that is not there is not taken", "[upgrade]") {
  Upgradable host{1};
  host.installed.remove();
  host.is_refused("No such file or directory");
}

TEST_CASE("a program that nobody may execute is not taken", "[upgrade]") {
  Upgradable host{1};
  host.installed.script("exec $built \"$@\"", 0644);
  host.is_refused("Permission denied");
}

TEST_CASE("a program that fails is not taken", "[upgrade]") {
  Upgradable host{1};
  host.installed.script("echo some library is missing >&2; exit 1");
  host.is_refused("exit 1, some library is missing");
}

TEST_CASE("a program that does not say that it can is not taken", "[upgrade]") {
  Upgradable host{1};
  host.installed.script("exit 0");
  host.is_refused("exit 0");
}

TEST_CASE("a program that refuses the settings is not taken", "[upgrade]") {
  Upgradable host{1};
  host.installed.script("PROXY_LOG_LEVEL=loud exec $built \"$@\"");
  host.is_refused("PROXY_LOG_LEVEL=loud");
}

TEST_CASE("a program that hangs is ended, and not taken", "[upgrade]") {
  Upgradable host{1};
  const auto before = host.workers();
  const Hanging hanging{host};
  host.service.program.signal(SIGUSR2);
  const auto pid = hanging.pid();
  host.upgrade();  // asks once more, which changes nothing
  CHECK(host.workers() == before);
  CHECK_THAT(host.service.program.errors(), Contains("gave no answer within 10 s"));
  CHECK(count(host.service.program.errors(), "upgrade_begins") == 1);
  CHECK(has_ended(pid));
}

TEST_CASE("a stop does not wait for a trial", "[upgrade]") {
  Upgradable host{1};
  const Hanging hanging{host};
  host.service.program.signal(SIGUSR2);
  const auto pid = hanging.pid();
  host.service.program.signal(SIGTERM);
  CHECK(host.service.program.exit_code() == 0);
  CHECK(has_ended(pid));
  CHECK_THAT(host.service.program.errors(), !Contains("said nothing for 10 s"));
}

TEST_CASE("a program with another layout of the memory is not taken", "[upgrade]") {
  Upgradable host{1};
  // What it reads is what another build would have handed over.
  host.installed.script(
      "sed '1s/$/0/' </proc/self/fd/${ACE_PROXY_INHERITANCE#trial } >$0.state\n"
      "exec 9<$0.state\n"
      "ACE_PROXY_INHERITANCE='trial 9' exec $built \"$@\"");
  host.is_refused("a restart is needed");
}

TEST_CASE("workers serve on when those of the new program do not start", "[upgrade]") {
  Upgradable host{2};
  const auto before = host.workers();
  host.installed.script("BARE_WORKER=die exec $built \"$@\"");
  host.upgrade();
  CHECK_THAT(host.service.program.errors(), Contains("reload_stuck"));
  const auto is_there = [&](pid_t pid) { return host.workers().count(pid) == 1; };
  CHECK(std::all_of(before.begin(), before.end(), is_there));
  CHECK_FALSE(ask(host.service.address()).empty());

  // The way back.
  host.installed.script("unset BARE_WORKER; exec $built \"$@\"");
  host.upgrade();
  CHECK(eventually(
      [&] { return host.service.has_workers(2) && share_nobody(before, host.workers()); }));
  CHECK_FALSE(ask(host.service.address()).empty());
}
