#include "tests/support/process/child_process.h"

#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/support/process/wait_until.h"

using namespace std::chrono_literals;
using ace::test::ChildOptions;
using ace::test::ChildProcess;

namespace {

ChildOptions shell(const std::string& script) { return {.arguments = {"-c", script}}; }

}  // namespace

TEST_CASE("a child's exit code and output are kept", "[process]") {
  ChildProcess child{"sh", "/bin/sh", shell("echo said; exit 3")};
  const auto exit = child.wait(10s);
  REQUIRE(exit);
  CHECK(exit->code == 3);
  CHECK(child.log() == "said\n");
}

TEST_CASE("a child that is told to stop tells the signal", "[process]") {
  ChildProcess child{"sleep", "/bin/sleep", {.arguments = {"600"}}};
  CHECK_FALSE(child.wait(0ms));
  const auto exit = child.terminate(10s);
  REQUIRE(exit);
  CHECK(exit->signal == SIGTERM);
}

TEST_CASE("what a child has started dies with it", "[process]") {
  pid_t grandchild = 0;
  {
    ChildProcess child{"sh", "/bin/sh", shell("sleep 600 & echo $!; wait")};
    REQUIRE(ace::test::wait_until([&] { return child.log().ends_with('\n'); }, 10s));
    grandchild = std::stoi(child.log());
  }
  // Killed, it may still wait for its new parent to reap it: a zombie answers kill(0) too.
  const auto is_dead = [&] {
    const auto stat = ace::test::read_text_file("/proc/" + std::to_string(grandchild) + "/stat");
    return stat.empty() || stat.find(") Z ") != std::string::npos;
  };
  CHECK(ace::test::wait_until(is_dead, 10s));
}

TEST_CASE("a held input ends when it is closed", "[process]") {
  auto options = shell("read line; echo over");
  options.hold_stdin = true;
  ChildProcess child{"sh", "/bin/sh", options};
  CHECK_FALSE(child.wait(0ms));
  child.close_stdin();
  REQUIRE(child.wait(10s));
  CHECK(child.log() == "over\n");
}

TEST_CASE("a program that is not there throws", "[process]") {
  CHECK_THROWS(ChildProcess("none", "/nonexistent/program", {}));
}

TEST_CASE("a child gets what it was given and no proxy's settings", "[process]") {
  ::setenv("PROXY_WORKERS", "77", 1);
  auto options = shell("echo \"$PROXY_WORKERS,$GIVEN\"");
  options.environment = {{"GIVEN", "yes"}};
  ChildProcess child{"sh", "/bin/sh", options};
  REQUIRE(child.wait(10s));
  ::unsetenv("PROXY_WORKERS");
  CHECK(child.log() == ",yes\n");
}
