#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/two_hosts.h"
#include "tests/support/clock_shift/shifted_clock.h"
#include "tests/support/process/resident_memory.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// More than eight at one host: they are spread over its workers.
constexpr std::size_t kAtA = 12;
constexpr std::size_t kAtB = 3;
constexpr auto kLongestLife = 61s;

const SimOptions kEngines{.engines = 2, .bitrate = 2'000'000};

/// The longest that a key of ours may live from now on; -1 for ever.
std::chrono::milliseconds longest_life(const TwoHosts& hosts) {
  std::int64_t longest = 0;
  for (const auto& key : hosts.command({"KEYS", "ace_proxy:*"}).elements) {
    const auto left = hosts.command({"PTTL", key.text}).as_integer().value();
    if (left == -1) return -1ms;
    longest = std::max(longest, left);
  }
  return std::chrono::milliseconds{longest};
}

/// All keys of ours have lives as they were meant: what was written before a jump is renewed.
bool come_to_short_lives(TwoHosts& hosts) {
  const auto are_short = [&] {
    const auto life = longest_life(hosts);
    return life >= 0ms && life < kLongestLife;
  };
  return hosts.run_until(are_short, 20s);
}

/// What a proxy takes for the time.
std::time_t time_at(std::uint16_t port) {
  std::tm time{};
  const auto date = http_request(port, "GET", "/healthz").headers.find("date").value();
  REQUIRE(::strptime(date.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &time) != nullptr);
  return ::timegm(&time);
}

/// Nobody has lost anything, or noticed; and nothing stays behind when all are gone.
void check_undisturbed(TwoHosts& hosts) {
  const auto before_a = bytes_of(hosts.at_a);
  const auto before_b = bytes_of(hosts.at_b);
  CHECK(hosts.run_until(
      [&] {
        return all_beyond(hosts.at_a, before_a, 1'000'000) &&
               all_beyond(hosts.at_b, before_b, 1'000'000);
      },
      60s));
  for (const auto* viewers : {&hosts.at_a, &hosts.at_b}) {
    CHECK(viewers->faults().empty());
    CHECK(viewers->count(ViewerState::Streaming) == viewers->size());
  }
  CHECK_THAT(hosts.owner(), Catch::StartsWith("host-a:"));
  CHECK(hosts.session().opened == 1);
  const auto are_recorded = [&] {
    return hosts.command({"SCARD", stream_key(hosts.id, "clients")}).as_integer() == kAtA + kAtB;
  };
  CHECK(hosts.run_until(are_recorded, 30s));

  hosts.at_a.close_all();
  hosts.at_b.close_all();
  CHECK(hosts.run_until([&] { return hosts.keys() == 0; }, 30s));
  CHECK(hosts.run_until([&] { return hosts.session().alive == 0; }, 20s));
}

}  // namespace

TEST_CASE("nobody notices when the clock of Redis' host is set", "[clock_jump]") {
  const auto by = GENERATE(1h, -1h);
  INFO("by " << by.count() << " h");
  ShiftedClock clock;
  RedisServer::Options server;
  server.launcher = clock.launcher();
  TwoHosts hosts{server, kEngines, {{"PROXY_GRACE_PERIOD", "1s"}}};
  hosts.watch(kAtA, kAtB);
  hosts.run_for(2500ms);  // every worker has renewed what it has
  const auto seconds = [&] { return std::stoll(hosts.command({"TIME"}).elements.at(0).text); };
  const auto before = seconds();
  clock.set(by);
  REQUIRE(std::abs(seconds() - before) > 3500);
  check_undisturbed(hosts);
  // Of ours, nothing that was written before the jump is left to live for an hour more.
  CHECK(come_to_short_lives(hosts));
}

TEST_CASE("nobody notices when the clock of the owner's host is set", "[clock_jump]") {
  if (kIsSanitized) {
    WARN("SKIPPED: a sanitizer lets nothing be loaded before itself");
    return;
  }
  const auto by = GENERATE(1h, -1h);
  INFO("by " << by.count() << " h");
  ShiftedClock clock;
  auto environment = clock.environment();
  environment["PROXY_GRACE_PERIOD"] = "1s";
  TwoHosts hosts{{}, kEngines, {{"PROXY_GRACE_PERIOD", "1s"}}, environment};
  hosts.watch(kAtA, kAtB);
  hosts.run_for(1s);
  clock.set(by);
  REQUIRE(std::abs(time_at(hosts.a->port()) - time_at(hosts.b->port())) > 3500);
  hosts.run_for(7s);  // longer than a lease
  check_undisturbed(hosts);
  CHECK(come_to_short_lives(hosts));
  CHECK(count_events(hosts.a->process().log(), "worker_hangs") == 0);
}
