// What a process is before it serves: its standard streams, and what it leaves when it dies.

#include <fmt/format.h>
#include <signal.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// A proxy of one worker that a shell starts after `before`, with `redirections`.
class ShellStarted {
 public:
  explicit ShellStarted(const std::string& before, const std::string& redirections,
                        ProxyProcess::Environment environment = {})
      : process_{"ace-proxy",
                 "/bin/sh",
                 {.arguments = {"-c", before + "; cd \"$1\"; exec \"$0\" " + redirections,
                                ACE_BINARY_DIR "/ace-proxy", dir_.file(".")},
                  .environment = completed(std::move(environment))}} {}

  [[nodiscard]] std::uint16_t port() {
    if (port_ == 0) port_ = wait_for_ports(process_, dir_.file("ports"), 60s).front();
    return port_;
  }
  [[nodiscard]] pid_t supervisor() const { return process_.pid(); }
  [[nodiscard]] pid_t worker() {
    const auto rows = json_of(http_request(port(), "GET", "/workers").body);
    return rows.Empty() ? 0 : static_cast<pid_t>(rows[0]["pid"].GetInt());
  }
  [[nodiscard]] std::size_t core_dumps() const {
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator{dir_.file(".")}) {
      if (file.path().filename().string().starts_with("core")) ++count;
    }
    return count;
  }

 private:
  ProxyProcess::Environment completed(ProxyProcess::Environment environment) const {
    environment.insert({{"ACE_ENGINES", "127.0.0.1:1"},
                        {"REDIS_SOCKET", dir_.file("nobody")},
                        {"PROXY_LISTEN", "127.0.0.1:0"},
                        {"PROXY_PORT_FILE", dir_.file("ports")},
                        {"PROXY_WORKERS", "1"},
                        {"PROXY_LOG_LEVEL", "debug"}});
    return environment;
  }

  TempDir dir_;
  ChildProcess process_;
  std::uint16_t port_{};
};

std::string target_of(pid_t pid, int fd) {
  std::error_code error;
  return std::filesystem::read_symlink(fmt::format("/proc/{}/fd/{}", pid, fd), error).string();
}

}  // namespace

TEST_CASE("a proxy that is started without standard streams serves all the same", "[process]") {
  const auto closed = GENERATE(std::vector<int>{0}, std::vector<int>{1}, std::vector<int>{2},
                               std::vector<int>{0, 1, 2});
  std::string redirections;
  for (const int fd : closed) redirections += fmt::format(" {}>&-", fd);
  CAPTURE(redirections);
  ShellStarted proxy{":", redirections};
  const auto worker = proxy.worker();
  for (const int fd : closed) {
    CHECK(target_of(proxy.supervisor(), fd) == "/dev/null");
    CHECK(target_of(worker, fd) == "/dev/null");
  }
  for (int i = 0; i < 20; ++i) {  // lines of the log go where nothing is
    REQUIRE(http_request(proxy.port(), "GET", "/healthz").status == 200);
  }
  CHECK(proxy.worker() == worker);
}

TEST_CASE("a worker leaves a core dump only if it holds no secret", "[process]") {
#if defined(__SANITIZE_ADDRESS__)
  return;  // AddressSanitizer turns dumps off: they would hold terabytes of shadow
#endif
  rlimit own{};
  REQUIRE(::getrlimit(RLIMIT_CORE, &own) == 0);
  if (own.rlim_max <= 1) return;  // nothing is dumped here, whatever the proxy does
  const auto pattern = read_text_file("/proc/sys/kernel/core_pattern");
  const bool has_key = GENERATE(true, false);
  ProxyProcess::Environment environment;
  if (has_key) environment.emplace("API_KEY", "open-sesame-key");
  ShellStarted proxy{"ulimit -c unlimited 2>/dev/null", "", environment};
  const auto worker = proxy.worker();
  rlimit limit{};
  REQUIRE(::prlimit(worker, RLIMIT_CORE, nullptr, &limit) == 0);
  CHECK((limit.rlim_cur <= 1) == has_key);
  ::kill(worker, SIGABRT);
  REQUIRE(wait_until(
      [&] {
        const auto now = proxy.worker();
        return now != 0 && now != worker;
      },
      30s));
  // Elsewhere a program takes the dump, or a folder that is not ours.
  if (pattern.starts_with("core")) CHECK((proxy.core_dumps() == 0) == has_key);
}
