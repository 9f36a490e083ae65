#include "workers/streams/window/memory_budget.h"

#include <unistd.h>

#include <deque>
#include <memory>

#include <catch2/catch.hpp>

#include "shared/os/memory_use.h"
#include "tests/support/clock/manual_clock.h"
#include "workers/streams/window/memory_claim.h"

using namespace ace;
using namespace ace::test;
using namespace std::chrono_literals;
using streams::MemoryBudget;
using streams::MemoryClaim;
using Memory = MemoryBudget::Memory;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

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
