#include "coordinator/supervisor/restart_policy.h"

#include <catch2/catch.hpp>

using namespace ace::supervisor;
using namespace std::chrono_literals;

TEST_CASE("the delay doubles with every early death, up to 30 s", "[supervisor]") {
  RestartPolicy policy;
  for (const auto expected : {200ms, 400ms, 800ms, 1600ms, 3200ms, 6400ms, 12800ms, 25600ms}) {
    CHECK(policy.after_death(1s) == expected);
  }
  CHECK(policy.after_death(1s) == 30s);
  CHECK(policy.after_death(59s) == 30s);
}

TEST_CASE("a worker that lived for a minute is replaced at once", "[supervisor]") {
  RestartPolicy policy;
  for (int i = 0; i < 10; ++i) CHECK(policy.after_death(0s) >= 200ms);
  CHECK(policy.after_death(60s) == 200ms);
  CHECK(policy.after_death(0s) == 400ms);
}

TEST_CASE("a worker that dies at once is forked at most ten times a minute", "[supervisor]") {
  RestartPolicy policy;
  auto now = 0ms;
  int forks = 0;
  while ((now += policy.after_death(0ms)) < 60s) ++forks;
  CHECK(forks <= 10);
}

TEST_CASE("the host's budget lets a burst pass, then one restart each ten seconds",
          "[supervisor]") {
  StartBudget budget{4};
  const ace::SteadyTime start{1000s};
  for (int i = 0; i < 4; ++i) {
    CHECK(budget.next(start) == start);
    budget.spend(start);
  }
  CHECK(budget.next(start) == start + 10s);
  CHECK(budget.next(start + 9s) == start + 10s);
  CHECK(budget.next(start + 10s) == start + 10s);
  budget.spend(start + 10s);
  CHECK(budget.next(start + 10s) == start + 20s);
}

TEST_CASE("a quiet time fills the budget again", "[supervisor]") {
  StartBudget budget{2};
  const ace::SteadyTime start{1000s};
  budget.spend(start);
  budget.spend(start);
  const auto later = start + 20s;
  CHECK(budget.next(later) == later);
  budget.spend(later);
  CHECK(budget.next(later) == later);
  budget.spend(later);
  CHECK(budget.next(later) > later);
}
