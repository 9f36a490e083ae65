#include <csignal>
#include <cstdio>

#include <catch2/catch.hpp>

#include "tests/e2e/supervisor/running.h"

using namespace ace::test;
using Catch::Contains;

namespace {

Program::Setup plain(std::vector<std::string> arguments,
                     std::map<std::string, std::string> environment = {}) {
  return {
      .arguments = std::move(arguments), .environment = std::move(environment), .listen_fds = {}};
}

}  // namespace

TEST_CASE("the workers serve on the address in the port file", "[supervisor]") {
  Running service{3};
  CHECK(service.has_workers(3));
  const auto answered_by = static_cast<pid_t>(std::stol(ask(service.address())));
  CHECK(service.program.workers().count(answered_by) == 1);
}

TEST_CASE("a killed worker is replaced while the others serve on", "[supervisor]") {
  Running service{2};
  const auto before = service.program.workers();
  const auto victim = *before.begin();
  kill(victim, SIGKILL);
  CHECK(eventually([&] {
    const auto now = service.program.workers();
    return now.size() == 2 && now.count(victim) == 0;
  }));
  CHECK(service.program.workers().count(*before.rbegin()) == 1);
  CHECK_FALSE(ask(service.address()).empty());
}

TEST_CASE("a worker that stands still is killed and replaced", "[supervisor]") {
  Running service{2};
  const auto victim = *service.program.workers().begin();
  kill(victim, SIGSTOP);
  CHECK(eventually([&] { return service.program.workers().count(victim) == 0; }, 30s));
  CHECK(eventually([&] { return service.has_workers(2); }));
}

TEST_CASE("SIGTERM ends everybody with exit code 0 and leaves no file", "[supervisor]") {
  TempFolder folder;
  const auto socket = folder.path("ace.sock");
  Running service{2, {"--listen=127.0.0.1:0,unix:" + socket}};
  const auto workers = service.program.workers();
  CHECK(read_file(service.port_file).find("unix:" + socket) != std::string::npos);
  service.program.signal(SIGTERM);
  CHECK(service.systemd.hears("STOPPING=1"));
  CHECK(service.program.exit_code() == 0);
  for (const auto worker : workers) CHECK(has_ended(worker));
  CHECK_FALSE(exists(service.port_file));
  CHECK_FALSE(exists(socket));
}

TEST_CASE("workers leave when their supervisor was killed", "[supervisor]") {
  Running service{3};
  const auto workers = service.program.workers();
  service.program.signal(SIGKILL);
  CHECK(service.program.exit_code() == 128 + SIGKILL);
  for (const auto worker : workers) CHECK(has_ended(worker));
}

TEST_CASE("whoever ignores SIGTERM is killed at the deadline, and that is told", "[supervisor]") {
  Running service{2, {"--proxy-shutdown-timeout=100ms"}, {{"BARE_WORKER", "ignore-sigterm"}}};
  service.program.signal(SIGTERM);
  CHECK(service.program.exit_code() == 1);
}

TEST_CASE("while viewers keep workers busy nobody can connect, and the next service can start",
          "[supervisor]") {
  TempFolder folder;
  const auto listen = "--listen=127.0.0.1:0,unix:" + folder.path("ace.sock");
  Running service{2, {listen, "--proxy-shutdown-timeout=1h"}, {{"BARE_WORKER", "ignore-sigterm"}}};
  const auto tcp = service.address();
  service.program.signal(SIGTERM);
  REQUIRE(service.systemd.hears("STOPPING=1"));
  CHECK(service.has_workers(2));
  CHECK(ask(tcp).empty());  // refused, or it would wait for ever
  CHECK(ask("unix:" + folder.path("ace.sock")).empty());

  Running next{1, {"--listen=" + tcp + ",unix:" + folder.path("ace.sock")}};
  CHECK_FALSE(ask(tcp).empty());
  CHECK_FALSE(ask("unix:" + folder.path("ace.sock")).empty());
  service.program.signal(SIGTERM);
  CHECK(service.program.exit_code() == 1);
  CHECK_FALSE(ask("unix:" + folder.path("ace.sock")).empty());  // the file is the next one's
}

TEST_CASE("a port of every address is one of both families", "[supervisor]") {
  const Running service{1, {"--listen=:0"}};
  const auto files = read_file(service.port_file);
  const auto port = service.address().substr(service.address().rfind(':'));
  CHECK_FALSE(ask("127.0.0.1" + port).empty());
  if (!exists("/proc/net/if_inet6")) return;  // no IPv6 here: the other family is left out
  CHECK_THAT(files, Contains("[::]" + port));
  CHECK_FALSE(ask("[::1]" + port).empty());
}

TEST_CASE("with too few descriptors it says how many it needs, and for what", "[supervisor]") {
  const std::string prlimit = "/usr/bin/prlimit";
  if (!exists(prlimit)) {
    WARN("skipped: needs prlimit");
    return;
  }
  Program program{{.arguments = {"--nofile=100:100", ACE_SUPERVISED_PROGRAM, "--workers=2",
                                 "--listen=127.0.0.1:0"},
                   .environment = {},
                   .program = prlimit}};
  CHECK(program.exit_code() == 1);
  const auto errors = program.errors();
  CHECK_THAT(errors, Contains("100 are allowed, at least 244 are needed"));
  CHECK_THAT(errors, Contains("messages between workers"));
  CHECK_THAT(errors, Contains("LimitNOFILE="));
}

TEST_CASE("a second SIGTERM does not wait for the deadline", "[supervisor]") {
  Running service{2, {"--proxy-shutdown-timeout=1h"}, {{"BARE_WORKER", "ignore-sigterm"}}};
  service.program.signal(SIGTERM);
  REQUIRE(service.systemd.hears("STOPPING=1"));
  service.program.signal(SIGINT);
  CHECK(service.program.exit_code() == 1);
}

TEST_CASE("SIGTTIN and SIGTTOU change the number of workers", "[supervisor]") {
  Running service{2};
  service.program.signal(SIGTTIN);
  CHECK(eventually([&] { return service.has_workers(3); }));
  service.program.signal(SIGTTOU);
  CHECK(eventually([&] { return service.has_workers(2); }));
  service.program.signal(SIGTTOU);
  CHECK(eventually([&] { return service.has_workers(1); }));
  CHECK_FALSE(ask(service.address()).empty());
}

TEST_CASE("a reload replaces every worker and takes the new config", "[supervisor]") {
  TempFolder folder;
  const auto file = folder.path("ace.toml");
  write_file(file, "PROXY_WORKERS = 2\n");
  Running service{0, {"--config", file}};
  const auto before = service.program.workers();
  write_file(file, "PROXY_WORKERS = 3\n");
  service.program.signal(SIGHUP);
  REQUIRE(service.systemd.hears("RELOADING=1"));
  REQUIRE(service.systemd.hears("READY=1"));
  CHECK(eventually([&] { return service.has_workers(3); }));
  for (const auto worker : service.program.workers()) CHECK(before.count(worker) == 0);
}

TEST_CASE("nobody is refused during reloads", "[supervisor]") {
  Running service{2};
  for (int round = 0; round < 5; ++round) {
    service.program.signal(SIGHUP);
    for (int i = 0; i < 50; ++i) CHECK_FALSE(ask(service.address()).empty());
    REQUIRE(service.systemd.hears("READY=1"));
  }
  CHECK(eventually([&] { return service.has_workers(2); }));
}

TEST_CASE("a bad config is refused on reload and the old one stays", "[supervisor]") {
  TempFolder folder;
  const auto file = folder.path("ace.toml");
  write_file(file, "PROXY_WORKERS = 2\n");
  Running service{0, {"--config", file}};
  const auto before = service.program.workers();
  write_file(file, "PROXY_WORKERS = many\n");
  service.program.signal(SIGHUP);
  REQUIRE(service.systemd.hears("RELOADING=1"));
  REQUIRE(service.systemd.hears("READY=1"));
  CHECK(service.program.workers() == before);
}

TEST_CASE("workers that cannot start make the service give up", "[supervisor]") {
  TempFolder folder;
  const auto ports = folder.path("ports");
  Program program{plain({"--listen=127.0.0.1:0", "--workers=2", "--proxy-port-file=" + ports},
                        {{"BARE_WORKER", "die"}})};
  CHECK(program.exit_code() == 1);
  CHECK_THAT(program.errors(), Contains("giving up"));
  CHECK_FALSE(exists(ports));
}

TEST_CASE("a wrong setting is one line and exit code 2", "[supervisor]") {
  Program program{plain({"--workers=0"})};
  CHECK(program.exit_code() == 2);
  CHECK(program.errors() ==
        "ace-proxy: PROXY_WORKERS=0 (from flag --proxy-workers): allowed: 1..32 or auto\n");
}

TEST_CASE("an address in use is one line and exit code 1", "[supervisor]") {
  Running service{1};
  Program second{plain({"--listen=" + service.address()})};
  CHECK(second.exit_code() == 1);
  CHECK_THAT(second.errors(),
             Contains("listen on " + service.address()) && Contains("Address already in use"));
}

TEST_CASE("a unix socket left over from a crash is replaced, a living one is not", "[supervisor]") {
  TempFolder folder;
  const auto socket = "unix:" + folder.path("ace.sock");
  {
    Running crashed{1, {"--listen=" + socket}};
    const auto workers = crashed.program.workers();
    crashed.program.signal(SIGKILL);
    crashed.program.exit_code();
    for (const auto worker : workers) REQUIRE(has_ended(worker));  // or it still listens
  }
  REQUIRE(exists(folder.path("ace.sock")));
  Running service{1, {"--listen=" + socket}};
  CHECK_FALSE(ask(socket).empty());
  Program second{plain({"--listen=" + socket})};
  CHECK(second.exit_code() == 1);
  CHECK_FALSE(ask(socket).empty());
}

TEST_CASE("the watchdog of systemd is fed", "[supervisor]") {
  Running service{1, {}, {{"WATCHDOG_USEC", "400000"}}};
  CHECK(service.systemd.hears("WATCHDOG=1"));
  CHECK(service.systemd.hears("WATCHDOG=1"));
}

TEST_CASE("SIGUSR1 opens the log file again", "[supervisor]") {
  TempFolder folder;
  const auto file = folder.path("ace.log");
  Running service{1, {"--log-file=" + file}};
  REQUIRE(rename(file.c_str(), folder.path("ace.log.1").c_str()) == 0);
  service.program.signal(SIGUSR1);
  CHECK(eventually([&] { return exists(file); }));
}

TEST_CASE("a single process serves without a supervisor", "[supervisor]") {
  Running service{1, {"--single-process"}};
  CHECK(std::stol(ask(service.address())) == service.program.pid());
  service.program.signal(SIGTERM);
  CHECK(service.program.exit_code() == 0);
  CHECK_FALSE(exists(service.port_file));
}
