#include "coordinator/host/placement.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

using ace::host::owner_share;
using ace::host::place;
using ace::host::WorkerLoad;
using ace::host::WorkerRef;

namespace {

constexpr WorkerRef worker(std::uint32_t slot) { return {.slot = slot, .generation = 1}; }

std::vector<WorkerLoad> workers(std::initializer_list<std::uint32_t> clients) {
  std::vector<WorkerLoad> loads;
  for (const auto count : clients) {
    loads.push_back({.worker = worker(static_cast<std::uint32_t>(loads.size())), .clients = count});
  }
  return loads;
}

}  // namespace

TEST_CASE("a few viewers of a stream stay with its owner", "[placement]") {
  auto loads = workers({0, 0, 0, 0});
  for (int i = 0; i < 8; ++i) {
    CHECK(place(worker(2), worker(0), loads) == worker(2));
    ++loads[2].clients;
  }
  CHECK(place(worker(2), worker(0), loads) == worker(0));
}

TEST_CASE("from a hundred clients on no worker holds more than 1.25 times the mean",
          "[placement]") {
  for (const std::uint32_t count : {2U, 3U, 4U, 8U, 16U, 32U}) {
    std::vector<WorkerLoad> loads;
    for (std::uint32_t slot = 0; slot < count; ++slot) loads.push_back({.worker = worker(slot)});
    for (std::uint32_t total = 1; total <= 1000; ++total) {
      const auto chosen = place(worker(1), worker(total % count), loads);
      ++loads[chosen.slot].clients;
      if (total < 100) continue;
      const auto fullest = std::ranges::max(loads, {}, &WorkerLoad::clients).clients;
      const double mean = static_cast<double>(total) / count;
      CAPTURE(count, total, fullest, mean);
      // A client is whole: where the mean is below 4 one client more is over any ratio.
      REQUIRE(fullest <= std::max(1.25 * mean, std::ceil(mean)));
    }
  }
}

TEST_CASE("clients who leave at random do not undo the balance", "[placement]") {
  const auto seed = GENERATE(range(1U, 21U));
  std::mt19937 random{seed};
  auto loads = workers({0, 0, 0, 0});
  unsigned arriving = 55;  // of a hundred; the others leave
  for (std::uint32_t total = 0, step = 0; step < 20'000; ++step) {
    if (total == 0 || random() % 100 < arriving) {
      ++loads[place(worker(1), worker(0), loads).slot].clients;
      ++total;
    } else {
      auto leaves = random() % total;
      auto from = loads.begin();
      for (; leaves >= from->clients; ++from) leaves -= from->clients;
      --from->clients;
      --total;
    }
    if (total >= 300) arriving = 45;
    if (total <= 120) arriving = 55;
    if (total < 100) continue;
    const auto fullest = std::ranges::max(loads, {}, &WorkerLoad::clients).clients;
    CAPTURE(seed, step, total, fullest);
    REQUIRE(fullest <= 1.25 * total / 4 + 1);
  }
}

TEST_CASE("among equals a client stays where it arrived", "[placement]") {
  CHECK(place(std::nullopt, worker(3), workers({5, 5, 5, 5})) == worker(3));
  CHECK(place(std::nullopt, worker(3), workers({5, 4, 5, 5})) == worker(1));
}

TEST_CASE("an owner that takes nothing new is passed over", "[placement]") {
  CHECK(place(worker(9), worker(0), workers({1, 0})) == worker(1));
}
