#include "workers/streams/window/memory_budget.h"

#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include <catch2/catch.hpp>

#include "shared/os/memory_use.h"
#include "tests/support/clock/manual_clock.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/temp_dir.h"
#include "workers/streams/window/memory_claim.h"

using namespace ace;
using namespace ace::test;
using namespace std::chrono_literals;
using streams::MemoryBudget;
using streams::MemoryClaim;
using Memory = MemoryBudget::Memory;

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
  [[nodiscard]] std::optional<os::MemoryGroup> find(const std::string& own) const {
    write("own", own);
    return os::MemoryGroup::find(dir_.file("own"), dir_.path().string());
  }

 private:
  TempDir dir_;
};

constexpr const char* kNone = "9223372036854771712\n";  // what version 1 says for "none"

}  // namespace

TEST_CASE("room ends at nine tenths and comes back below 85 hundredths", "[memory]") {
  ManualClock clock;
  const auto board = std::make_unique<host::Scoreboard>();
  constexpr std::uint64_t kOneMore = MemoryBudget::kLeast + MemoryBudget::kBesides;
  std::optional<std::uint64_t> used = 0;
  const MemoryBudget budget{clock, *board,
                            Memory{.limit = 1'000 * kMiB, .used = [&] { return used; }}};
  const auto has_room_at = [&](std::optional<std::uint64_t> now) {
    used = now;
    clock.advance(MemoryBudget::kRecent);
    return budget.has_room();
  };
  CHECK(has_room_at(900 * kMiB - kOneMore));
  CHECK_FALSE(has_room_at(900 * kMiB - kOneMore + 1));
  CHECK_FALSE(has_room_at(850 * kMiB - kOneMore + 1));
  CHECK_FALSE(has_room_at(std::nullopt));  // as it was
  CHECK(has_room_at(850 * kMiB - kOneMore));
  CHECK(has_room_at(900 * kMiB - kOneMore));
  CHECK(has_room_at(std::nullopt));
}

TEST_CASE("what was read half a second ago is believed", "[memory]") {
  ManualClock clock;
  const auto board = std::make_unique<host::Scoreboard>();
  int asked = 0;
  const auto used = [&asked]() -> std::optional<std::uint64_t> { return ++asked; };
  const MemoryBudget budget{clock, *board, Memory{.limit = 100 * kMiB, .used = used}};
  for (int i = 0; i < 10; ++i) CHECK(budget.has_room());
  CHECK(asked == 1);
  clock.advance(MemoryBudget::kRecent);
  for (int i = 0; i < 10; ++i) CHECK(budget.has_room());
  CHECK(asked == 2);
}

TEST_CASE("without a limit there is room", "[memory]") {
  ManualClock clock;
  const auto board = std::make_unique<host::Scoreboard>();
  CHECK(MemoryBudget{clock, *board, std::nullopt}.has_room());
  const auto used = []() -> std::optional<std::uint64_t> { return 1U << 30U; };
  const MemoryBudget budget{clock, *board, Memory{.limit = 0, .used = used}};
  CHECK(budget.has_room());
  CHECK(budget.permille() == 0);
}

TEST_CASE("streams are refused for what those before them are going to need", "[memory]") {
  ManualClock clock;
  const auto board = std::make_unique<host::Scoreboard>();
  // The kernel says the same all the time: no window has been filled yet.
  const auto used = []() -> std::optional<std::uint64_t> { return 30 * kMiB; };
  const MemoryBudget budget{clock, *board, Memory{.limit = 100 * kMiB, .used = used}};
  std::deque<MemoryClaim> claims;
  while (budget.has_room() && claims.size() < 100) {
    claims.emplace_back(board->slots[claims.size() % 3],
                        MemoryClaim::Bytes{.least = MemoryBudget::kLeast, .most = 10 * kMiB});
  }
  // 60 MiB of room, 3 MiB for each.
  CHECK(claims.size() == 20);
  claims.pop_back();
  claims.pop_back();
  clock.advance(MemoryBudget::kRecent);
  CHECK(budget.has_room());
}

TEST_CASE("windows are shortened before anybody is refused", "[memory]") {
  ManualClock clock;
  const auto board = std::make_unique<host::Scoreboard>();
  std::uint64_t windows = 0;
  const auto used = [&]() -> std::optional<std::uint64_t> { return 30 * kMiB + windows; };
  const MemoryBudget budget{clock, *board, Memory{.limit = 100 * kMiB, .used = used}};
  auto& slot = board->slots[2];
  std::deque<MemoryClaim> claims;
  const auto admit = [&] {
    claims.emplace_back(slot, MemoryClaim::Bytes{.least = 2 * kMiB, .most = 10 * kMiB});
    clock.advance(MemoryBudget::kRecent);
    slot.window_permille = budget.permille();
  };
  for (int i = 0; i < 6; ++i) admit();
  CHECK(budget.permille() == 0);  // 60 MiB, as much as there is
  CHECK(claims.front().allowed() == 10 * kMiB);
  for (int i = 0; i < 6; ++i) admit();
  CHECK(budget.has_room());
  CHECK(budget.permille() > 0);
  std::uint64_t allowed = 0;
  for (const auto& claim : claims) allowed += claim.allowed();
  CHECK(allowed <= 60 * kMiB + kMiB);
  CHECK(claims.front().allowed() >= 4 * kMiB);

  // They fill up to what is allowed: that changes nothing, it has been counted.
  for (auto& claim : claims) {
    windows += claim.allowed();
    claim.set({.held = claim.allowed(), .least = 2 * kMiB, .most = 10 * kMiB});
  }
  const auto before = budget.permille();
  clock.advance(MemoryBudget::kRecent);
  CHECK(budget.permille() == before);
  CHECK(budget.has_room());

  claims.clear();
  CHECK(slot.windows == 0);
  CHECK(slot.window_bytes == 0);
  CHECK(slot.window_least == 0);
  CHECK(slot.window_most == 0);
}

TEST_CASE("what the windows cannot give back shortens them to their least", "[memory]") {
  ManualClock clock;
  const auto board = std::make_unique<host::Scoreboard>();
  const auto used = []() -> std::optional<std::uint64_t> { return 99 * kMiB; };
  const MemoryBudget budget{clock, *board, Memory{.limit = 100 * kMiB, .used = used}};
  MemoryClaim claim{board->slots[0], {.least = 2 * kMiB, .most = 10 * kMiB}};
  board->slots[0].window_permille = budget.permille();
  CHECK(budget.permille() == 1'000);
  CHECK(claim.allowed() == 2 * kMiB);
  CHECK_FALSE(budget.has_room());
}

TEST_CASE("what was freed goes back to the system", "[memory]") {
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

TEST_CASE("what workers hold is added up", "[memory]") {
  CHECK(os::resident_bytes(::getpid()) > 1'000'000);
  CHECK(os::resident_bytes(-1) == 0);
  const auto board = std::make_unique<host::Scoreboard>();
  const auto memory = streams::memory_of_host(std::uint64_t{5}, *board);
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
