#include "shared/os/control_group.h"

#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "shared/os/memory_use.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/temp_dir.h"

using namespace ace;
using namespace ace::test;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

/// A file system as the kernel shows control groups.
class Groups {
 public:
  void write(const std::string& name, const std::string& text) const {
    const auto path = dir_.path() / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream{path} << text;
  }
  [[nodiscard]] std::optional<os::MemoryGroup> memory(const std::string& own) const {
    write("own", own);
    return os::MemoryGroup::find(dir_.file("own"), dir_.path().string());
  }
  [[nodiscard]] std::optional<double> cpu(const std::string& own) const {
    write("own", own);
    return os::cpu_quota(dir_.file("own"), dir_.path().string());
  }

 private:
  TempDir dir_;
};

constexpr const char* kNone = "9223372036854771712\n";  // what version 1 says for "none"

}  // namespace

TEST_CASE("the limit of the control group is found in either version", "[control_group]") {
  const Groups groups;
  SECTION("the second: a unit's") {
    groups.write("system.slice/ace.service/memory.max", "1000000\n");
    groups.write("system.slice/ace.service/memory.current", "700000\n");
    groups.write("system.slice/ace.service/memory.stat", "anon 5\ninactive_file 200000\nslab 9\n");
    groups.write("system.slice/memory.max", "max\n");
    const auto group = groups.memory("0::/system.slice/ace.service\n");
    REQUIRE(group);
    CHECK(group->limit() == 1'000'000);
    CHECK(group->used() == 500'000U);
  }
  SECTION("the second: one around ours is tighter") {
    groups.write("a/b/memory.max", "2000\n");
    groups.write("a/memory.max", "1000\n");
    groups.write("a/memory.current", "10\n");
    const auto group = groups.memory("0::/a/b\n");
    REQUIRE(group);
    CHECK(group->limit() == 1'000);
    CHECK(group->used() == 10U);
  }
  SECTION("the first: in a container, whose path is the host's") {
    groups.write("memory/memory.limit_in_bytes", "3000\n");
    groups.write("memory/memory.usage_in_bytes", "900\n");
    groups.write("memory/memory.stat", "cache 5\ntotal_inactive_file 1000\n");
    const auto group = groups.memory("12:pids:/docker/1f\n4:memory:/docker/1f\n0::/docker/1f\n");
    REQUIRE(group);
    CHECK(group->limit() == 3'000);
    CHECK(group->used() == 0U);  // the two are not read at the same moment
  }
  SECTION("none") {
    groups.write("memory/a/memory.limit_in_bytes", kNone);
    groups.write("memory/memory.limit_in_bytes", kNone);
    groups.write("a/memory.max", "max\n");
    CHECK_FALSE(groups.memory("4:memory:/a\n0::/a\n"));
    CHECK_FALSE(groups.memory(""));
    CHECK_FALSE(groups.memory("junk\n:\n::\n"));
  }
}

TEST_CASE("the cores' time of the control group is found in either version", "[control_group]") {
  const Groups groups;
  SECTION("the second") {
    groups.write("a/b/cpu.max", "150000 100000\n");
    CHECK(groups.cpu("0::/a/b\n") == 1.5);
  }
  SECTION("the second: one around ours is tighter") {
    groups.write("a/b/cpu.max", "max 100000\n");
    groups.write("a/cpu.max", "50000 100000\n");
    CHECK(groups.cpu("0::/a/b\n") == 0.5);
  }
  SECTION("the first, under the names of two controllers") {
    groups.write("cpu,cpuacct/unit/cpu.cfs_quota_us", "300000\n");
    groups.write("cpu,cpuacct/unit/cpu.cfs_period_us", "100000\n");
    CHECK(groups.cpu("7:cpuset:/unit\n4:cpu,cpuacct:/unit\n") == 3.0);
  }
  SECTION("the first, in a container, whose path is the host's") {
    groups.write("cpu/cpu.cfs_quota_us", "200000\n");
    groups.write("cpu/cpu.cfs_period_us", "100000\n");
    CHECK(groups.cpu("4:cpuacct,cpu:/docker/1f\n0::/docker/1f\n") == 2.0);
  }
  SECTION("none") {
    groups.write("cpu/a/cpu.cfs_quota_us", "-1\n");
    groups.write("cpu/a/cpu.cfs_period_us", "100000\n");
    groups.write("a/cpu.max", "max 100000\n");
    CHECK_FALSE(groups.cpu("4:cpu:/a\n0::/a\n"));
    CHECK_FALSE(groups.cpu("7:cpuset:/a\n"));
    CHECK_FALSE(groups.cpu("junk\n:\n::\n"));
  }
}

TEST_CASE("what was freed goes back to the system", "[control_group]") {
  if (kIsSanitized) return;  // another allocator
  std::vector<std::unique_ptr<char[]>> pieces;
  const auto before = os::resident_bytes(::getpid());
  for (int i = 0; i < 4'000; ++i) {
    pieces.push_back(std::make_unique<char[]>(20'000));
    std::fill_n(pieces.back().get(), 20'000, 'x');
  }
  const auto last = std::move(pieces.back());  // the top of the heap stays in use
  pieces.clear();
  REQUIRE(os::resident_bytes(::getpid()) > before + 40 * kMiB);
  os::FreeMemory{}.give_back(8 * kMiB);
  CHECK(os::resident_bytes(::getpid()) < before + 16 * kMiB);
}
