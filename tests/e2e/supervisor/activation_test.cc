#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <csignal>

#include <catch2/catch.hpp>

#include "tests/e2e/supervisor/program.h"

using namespace ace::test;

namespace {

/// A listening socket that is not the service's own.
struct Listening {
  ace::UniqueFd fd;
  std::string address;  ///< as ask() takes it

  static Listening tcp() {
    sockaddr_in name{};
    name.sin_family = AF_INET;
    name.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    Listening made{ace::UniqueFd{socket(AF_INET, SOCK_STREAM, 0)}, {}};
    socklen_t length = sizeof name;
    auto* const generic = reinterpret_cast<sockaddr*>(&name);
    REQUIRE(bind(made.fd.get(), generic, length) == 0);
    REQUIRE(listen(made.fd.get(), 16) == 0);
    REQUIRE(getsockname(made.fd.get(), generic, &length) == 0);
    made.address = "127.0.0.1:" + std::to_string(ntohs(name.sin_port));
    return made;
  }
  static Listening local(const std::string& path) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    path.copy(name.sun_path, sizeof name.sun_path - 1);
    Listening made{ace::UniqueFd{socket(AF_UNIX, SOCK_STREAM, 0)}, "unix:" + path};
    REQUIRE(bind(made.fd.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name) == 0);
    REQUIRE(listen(made.fd.get(), 16) == 0);
    return made;
  }
};

struct Activated {
  TempFolder folder;
  NotifySocket systemd{folder.path("notify")};
  Listening tcp{Listening::tcp()};
  Listening local{Listening::local(folder.path("ace.sock"))};
  Program program{{.arguments = {"--workers=2", "--listen=127.0.0.1:0"},
                   .environment = {{"NOTIFY_SOCKET", systemd.path()}},
                   .listen_fds = {tcp.fd.get(), local.fd.get()}}};

  Activated() { REQUIRE(systemd.hears("READY=1")); }
  void check_serves() const {
    CHECK_FALSE(ask(tcp.address).empty());
    CHECK_FALSE(ask(local.address).empty());
  }
};

}  // namespace

TEST_CASE("every socket from systemd is served, before and after an upgrade", "[activation]") {
  Activated service;
  service.check_serves();
  const auto before = service.program.workers();
  service.program.signal(SIGUSR2);
  REQUIRE(service.systemd.hears("RELOADING=1"));
  REQUIRE(service.systemd.hears("READY=1"));
  CHECK(service.program.workers() != before);
  service.check_serves();
}

TEST_CASE("who connects while the service is away is served by the next one", "[activation]") {
  const auto tcp = Listening::tcp();
  TempFolder folder;
  NotifySocket systemd{folder.path("notify")};
  const Program::Setup setup{.arguments = {"--workers=1"},
                             .environment = {{"NOTIFY_SOCKET", systemd.path()}},
                             .listen_fds = {tcp.fd.get()}};
  {
    Program first{setup};
    REQUIRE(systemd.hears("READY=1"));
    first.signal(SIGTERM);
    REQUIRE(first.exit_code() == 0);
  }
  Program second{setup};  // nobody waits until it is ready
  CHECK_FALSE(ask(tcp.address).empty());
}

TEST_CASE("a file of systemd's is not taken away", "[activation]") {
  Activated service;
  service.program.signal(SIGUSR2);
  REQUIRE(service.systemd.hears("RELOADING=1"));
  REQUIRE(service.systemd.hears("READY=1"));
  service.program.signal(SIGTERM);
  CHECK(service.program.exit_code() == 0);
  CHECK(exists(service.folder.path("ace.sock")));
}
