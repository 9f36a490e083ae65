#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <chrono>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/two_hosts.h"
#include "tests/support/process/long_run.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;
using std::chrono::milliseconds;

namespace {

/// Seven seconds, and a half for a machine that does other things as well.
constexpr auto kTakeover = 7500ms;

/// An engine that has no turn for a second shall not look like one whose session is dead.
const std::pair<const std::string, std::string> kPatient{"PROXY_ENGINE_ADOPT_TIMEOUT", "5s"};

/// Who watches is written down beside, not before the first bytes.
bool become_clients(TwoHosts& hosts, std::int64_t count) {
  const auto are_there = [&] {
    return hosts.command({"SCARD", stream_key(hosts.id, "clients")}).as_integer() == count;
  };
  return hosts.run_until(are_there, 20s);
}

}  // namespace

TEST_CASE("two hosts are one proxy: one engine session, whoever asks where", "[hosts]") {
  TwoHosts hosts;
  hosts.watch(4, 4);
  hosts.at_b.run_for(1s);
  hosts.at_a.run_for(500ms);
  CHECK(hosts.at_a.faults().empty());
  CHECK(hosts.at_b.faults().empty());
  CHECK_THAT(hosts.owner(), Catch::StartsWith("host-a:"));
  CHECK(hosts.session().opened == 1);
  CHECK(become_clients(hosts, 8));
}

TEST_CASE("a host outlives the other one's power failure, within 7 s", "[hosts]") {
  for (int round = 0; round < (is_long_run() ? 10 : 1); ++round) {
    TwoHosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}};
    hosts.watch(3, 3);
    hosts.at_b.run_for(milliseconds{200 * round});  // the lease is renewed every 2 s

    hosts.cut_power_of_a();
    const auto outage = hosts.outage_at_b(20s);
    INFO("no new media for " << outage.count() << " ms");
    CHECK(outage < kTakeover);
    CHECK_THAT(hosts.owner(), Catch::StartsWith("host-b:"));
    CHECK(hosts.at_b.count(ViewerState::Streaming) == hosts.at_b.size());
    CHECK(all_whole(hosts.at_b));
    CHECK(hosts.session().max_alive == 1);
    CHECK(become_clients(hosts, 3));  // no ghosts
  }
}

TEST_CASE("a host that stood still for 9 s follows the one that took over", "[hosts]") {
  TwoHosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}};
  hosts.watch(3, 3);
  hosts.signal_a(SIGSTOP);
  const auto outage = hosts.outage_at_b(20s);
  hosts.at_b.run_for(9s - outage);
  hosts.signal_a(SIGCONT);
  INFO("no new media for " << outage.count() << " ms");
  CHECK(outage < kTakeover);
  const auto before_a = bytes_of(hosts.at_a);
  const auto before_b = bytes_of(hosts.at_b);
  const auto all_go_on = [&] {
    return all_beyond(hosts.at_a, before_a, 1'000'000) &&
           all_beyond(hosts.at_b, before_b, 1'000'000);
  };
  CHECK(hosts.run_until(all_go_on, 30s));
  CHECK_THAT(hosts.owner(), Catch::StartsWith("host-b:"));
  CHECK(hosts.run_until([&] { return hosts.session().alive == 1; }, 20s));
  for (const auto* viewers : {&hosts.at_a, &hosts.at_b}) {
    CHECK(viewers->count(ViewerState::Streaming) == viewers->size());
    CHECK(all_whole(*viewers));
  }
}

TEST_CASE("what a dead host leaves behind is ended by another one", "[hosts]") {
  TwoHosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}, {{"PROXY_GRACE_PERIOD", "2s"}}};
  hosts.watch(3, 0);
  REQUIRE(hosts.keys() > 5);
  hosts.cut_power_of_a();
  // Long before the records' 60 s are over.
  CHECK(wait_until([&] { return hosts.keys() == 0; }, 25s));
  // Nobody waits for the engine's answer.
  CHECK(wait_until([&] { return hosts.engines.state().requests(0, "command") == 1; }, 20s));
  CHECK(hosts.session().alive == 0);
  CHECK(hosts.session().opened == 1);
  CHECK(hosts.command({"SISMEMBER", "ace_proxy:streams", hosts.id}).as_integer() == 0);
}

TEST_CASE("a proxy that crashed as a whole is cleaned up by the next one", "[hosts]") {
  // A lease that nobody could wait for: the owner's process is seen to be dead.
  TwoHosts hosts{{},
                 {.engines = 1, .bitrate = 2'000'000},
                 {{"PROXY_HOST_NAME", "one-host"},
                  {"PROXY_LEASE", "60s"},
                  {"PROXY_WORKERS", "1"},
                  {"PROXY_GRACE_PERIOD", "1s"}}};
  hosts.watch(3, 0);
  REQUIRE(hosts.keys() > 5);
  hosts.cut_power_of_a();
  CHECK(wait_until([&] { return hosts.keys() == 0; }, 25s));
  CHECK(wait_until([&] { return hosts.engines.state().requests(0, "command") == 1; }, 20s));
  CHECK(hosts.session().opened == 1);
}

TEST_CASE("a host that stops hands its streams to the other one", "[hosts]") {
  // A lease that nobody would wait for in that time.
  TwoHosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}, {kPatient, {"PROXY_LEASE", "30s"}}};
  hosts.watch(3, 3);

  hosts.a->process().signal(SIGTERM);
  const auto outage = hosts.outage_at_b(30s);
  INFO("no new media for " << outage.count() << " ms");
  CHECK(outage < 10s);
  CHECK_THAT(hosts.owner(), Catch::StartsWith("host-b:"));
  CHECK(hosts.at_b.count(ViewerState::Streaming) == hosts.at_b.size());
  CHECK(all_whole(hosts.at_b));
  CHECK(hosts.session().opened == 1);  // the session moved, too
  const auto ended = hosts.a->process().wait(15s);
  REQUIRE(ended);
  CHECK(ended->code == 0);
  // It leaves no key: what is there are host B's two workers.
  const auto workers = hosts.command({"KEYS", "ace_proxy:worker:*"}).elements;
  CHECK(workers.size() == 2);
  for (const auto& key : workers) CHECK_THAT(key.text, Catch::Contains(":host-b:"));
}

TEST_CASE("a host that loses sight of Redis keeps its viewers, and its heir the session",
          "[hosts]") {
  RedisServer::Options server;
  server.arguments = {"--user", "east", "on", ">secret", "~ace_proxy:*", "&ace_proxy:*", "+@all"};
  TwoHosts hosts{server,
                 {.engines = 2, .bitrate = 2'000'000},
                 {kPatient},
                 {kPatient, {"REDIS_USERNAME", "east"}, {"REDIS_PASSWORD", "secret"}}};
  hosts.watch(3, 3);

  hosts.command({"ACL", "SETUSER", "east", "off"});
  hosts.command({"CLIENT", "KILL", "USER", "east"});
  REQUIRE(hosts.run_until([&] { return hosts.owner().starts_with("host-b:"); }, kTakeover));
  auto before_a = bytes_of(hosts.at_a);
  auto before_b = bytes_of(hosts.at_b);
  const auto all_go_on = [&] {
    return all_beyond(hosts.at_a, before_a, 500'000) && all_beyond(hosts.at_b, before_b, 500'000);
  };
  CHECK(hosts.run_until(all_go_on, 30s));
  // The heir took the session; who lost it opened one on the other engine, and stopped nothing.
  CHECK(hosts.session().opened == 2);
  CHECK(hosts.engines.state().requests(0, "command") == 0);
  CHECK(hosts.engines.state().requests(1, "command") == 0);

  hosts.command({"ACL", "SETUSER", "east", "on"});
  CHECK(hosts.run_until([&] { return hosts.session().alive == 1; }, 20s));
  before_a = bytes_of(hosts.at_a);
  before_b = bytes_of(hosts.at_b);
  CHECK(hosts.run_until(all_go_on, 30s));
  CHECK_THAT(hosts.owner(), Catch::StartsWith("host-b:"));
  for (const auto* viewers : {&hosts.at_a, &hosts.at_b}) {
    CHECK(viewers->count(ViewerState::Streaming) == viewers->size());
    CHECK(all_whole(*viewers));
  }
}

TEST_CASE("hosts meet in a Redis with password and user, over its socket", "[hosts]") {
  RedisServer::Options server;
  server.arguments = {"--user", "ace", "on", ">secret", "~ace_proxy:*", "&ace_proxy:*", "+@all"};
  TwoHosts hosts{server, {}, {{"REDIS_USERNAME", "ace"}, {"REDIS_PASSWORD", "secret"}}};
  hosts.watch(1, 1);
  hosts.at_b.run_for(500ms);
  CHECK(hosts.at_b.faults().empty());
  CHECK(hosts.session().opened == 1);
  CHECK(become_clients(hosts, 2));
}

TEST_CASE("a Redis that forgets all does not make two sessions of one", "[hosts]") {
  TwoHosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}};
  hosts.watch(2, 2);
  // Both hosts' workers have to know what Redis was before.
  hosts.at_b.run_for(2500ms);

  // A commit would tell the owner at once; like this it hears of it with its next renewal.
  hosts.engines.fault("stall");
  hosts.at_b.run_for(300ms);
  hosts.command({"FLUSHALL"});
  REQUIRE(hosts.at_b.run_until([&] { return !hosts.owner().empty(); }, 20s));
  CHECK_THAT(hosts.owner(), Catch::StartsWith("host-a:"));
  hosts.engines.clear_faults();
  const auto before = bytes_of(hosts.at_b);
  CHECK(hosts.at_b.run_until([&] { return all_beyond(hosts.at_b, before, 250'000); }, 20s));
  CHECK(hosts.at_b.count(ViewerState::Streaming) == hosts.at_b.size());
  CHECK(hosts.session().opened == 1);
  CHECK(become_clients(hosts, 4));
}

TEST_CASE("a worker whose id another process uses gives way, and says why", "[hosts]") {
  TwoHosts hosts;
  const auto pids = worker_pids(hosts.a->port());
  const auto key = fmt::format("ace_proxy:worker:host-a:{}", pids.front());
  REQUIRE(wait_until([&] { return hosts.command({"EXISTS", key}).as_integer() == 1; }, 20s));
  hosts.command({"HSET", key, "token", "another"});
  const auto is_replaced = [&] {
    hosts.command({"HINCRBY", key, "beats", "1"});
    const auto now = worker_pids(hosts.a->port());
    return now.size() == 2 && std::ranges::find(now, pids.front()) == now.end();
  };
  CHECK(wait_until(is_replaced, 30s));
  const auto log = hosts.a->process().log();
  CHECK(count_events(log, "worker_id_taken") == 1);
  CHECK_THAT(log, Catch::Contains("another living worker uses this id"));
}
