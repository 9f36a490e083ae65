#include "workers/http/memory_gate.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include <catch2/catch.hpp>

#include "shared/os/memory_use.h"
#include "tests/support/clock/manual_clock.h"
#include "tests/support/process/temp_dir.h"

using namespace ace;
using namespace ace::test;
using namespace std::chrono_literals;
using http::MemoryGate;

namespace {

/// A file system as the kernel shows control groups.
class Groups {
 public:
  void write(const std::string& name, const std::string& text) const {
    const auto path = dir_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }
  [[nodiscard]] std::optional<os::MemoryGroup> find(const std::string& own) const {
    write("own", own);
    return os::MemoryGroup::find(dir_.file("own"), dir_.path().string());
  }

 private:
  TempDir dir_;
};

constexpr const char* kNone = "9223372036854771712\n";  // what version 1 says for "none"

}  // namespace

TEST_CASE("the gate closes beyond nine tenths and opens below 85 hundredths", "[memory]") {
  ManualClock clock;
  std::optional<std::uint64_t> used = 0;
  const MemoryGate gate{clock, MemoryGate::Memory{.limit = 1'000, .used = [&] { return used; }}};
  const auto is_closed_at = [&](std::optional<std::uint64_t> now) {
    used = now;
    clock.advance(MemoryGate::kRecent);
    return gate.is_closed();
  };
  CHECK_FALSE(is_closed_at(900));
  CHECK(is_closed_at(901));
  CHECK(is_closed_at(851));
  CHECK(is_closed_at(std::nullopt));  // as it was
  CHECK_FALSE(is_closed_at(850));
  CHECK_FALSE(is_closed_at(900));
  CHECK_FALSE(is_closed_at(std::nullopt));
}

TEST_CASE("what was read half a second ago is believed", "[memory]") {
  ManualClock clock;
  int asked = 0;
  const auto used = [&asked]() -> std::optional<std::uint64_t> { return ++asked; };
  const MemoryGate gate{clock, MemoryGate::Memory{.limit = 1'000'000, .used = used}};
  for (int i = 0; i < 10; ++i) CHECK_FALSE(gate.is_closed());
  CHECK(asked == 1);
  clock.advance(MemoryGate::kRecent);
  for (int i = 0; i < 10; ++i) CHECK_FALSE(gate.is_closed());
  CHECK(asked == 2);
}

TEST_CASE("without a limit the gate is open", "[memory]") {
  ManualClock clock;
  CHECK_FALSE(MemoryGate{clock, std::nullopt}.is_closed());
  const auto used = []() -> std::optional<std::uint64_t> { return 1U << 30U; };
  CHECK_FALSE(MemoryGate{clock, MemoryGate::Memory{.limit = 0, .used = used}}.is_closed());
}

TEST_CASE("what workers hold is added up", "[memory]") {
  CHECK(os::resident_bytes(::getpid()) > 1'000'000);
  CHECK(os::resident_bytes(-1) == 0);
  const auto board = std::make_unique<host::Scoreboard>();
  const auto memory = http::memory_of_host(std::uint64_t{5}, *board);
  REQUIRE(memory);
  CHECK(memory->limit == 5);
  CHECK(memory->used() == 0U);
  board->slots[3].pid = ::getpid();
  CHECK(memory->used() > 1'000'000U);
}

TEST_CASE("the limit of the control group is found in either version", "[memory]") {
  const Groups groups;
  SECTION("the second: a unit's") {
    groups.write("system.slice/ace.service/memory.max", "1000000\n");
    groups.write("system.slice/ace.service/memory.current", "700000\n");
    groups.write("system.slice/ace.service/memory.stat", "anon 5\ninactive_file 200000\nslab 9\n");
    groups.write("system.slice/memory.max", "max\n");
    const auto group = groups.find("0::/system.slice/ace.service\n");
    REQUIRE(group);
    CHECK(group->limit() == 1'000'000);
    CHECK(group->used() == 500'000U);
  }
  SECTION("the second: one around ours is tighter") {
    groups.write("a/b/memory.max", "2000\n");
    groups.write("a/memory.max", "1000\n");
    groups.write("a/memory.current", "10\n");
    const auto group = groups.find("0::/a/b\n");
    REQUIRE(group);
    CHECK(group->limit() == 1'000);
    CHECK(group->used() == 10U);
  }
  SECTION("the first: in a container, whose path is the host's") {
    groups.write("memory/memory.limit_in_bytes", "3000\n");
    groups.write("memory/memory.usage_in_bytes", "900\n");
    groups.write("memory/memory.stat", "cache 5\ntotal_inactive_file 1000\n");
    const auto group = groups.find("12:pids:/docker/1f\n4:memory:/docker/1f\n0::/docker/1f\n");
    REQUIRE(group);
    CHECK(group->limit() == 3'000);
    CHECK(group->used() == 0U);  // the two are not read at the same moment
  }
  SECTION("none") {
    groups.write("memory/a/memory.limit_in_bytes", kNone);
    groups.write("memory/memory.limit_in_bytes", kNone);
    groups.write("a/memory.max", "max\n");
    CHECK_FALSE(groups.find("4:memory:/a\n0::/a\n"));
    CHECK_FALSE(groups.find(""));
    CHECK_FALSE(groups.find("junk\n:\n::\n"));
  }
}
