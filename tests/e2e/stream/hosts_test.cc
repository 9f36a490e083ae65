#include <fmt/format.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

ProxyProcess::Environment environment_of(const std::string& host, const RedisServer& redis,
                                         const SimProcess& engines,
                                         const ProxyProcess::Environment& more = {}) {
  auto environment = more;
  environment.try_emplace("PROXY_HOST_NAME", host);
  environment.try_emplace("PROXY_WORKERS", "2");
  environment.try_emplace("REDIS_SOCKET", redis.endpoint().socket);
  environment.try_emplace("ACE_ENGINES", engines.engine_list());
  return environment;
}

std::vector<pid_t> worker_pids(std::uint16_t port) {
  const auto json = json_of(http_request(port, "GET", "/workers").body);
  std::vector<pid_t> pids;
  for (const auto& worker : json.GetArray()) pids.push_back(worker["pid"].GetInt());
  return pids;
}

/// Two proxies on one Redis and the same engines: as two hosts would be.
struct Hosts {
  explicit Hosts(const RedisServer::Options& server = {}, const SimOptions& simulated = {},
                 const ProxyProcess::Environment& more = {},
                 const ProxyProcess::Environment& only_a = {})
      : redis{server},
        engines{simulated},
        a{std::make_unique<ProxyProcess>(
            environment_of("host-a", redis, engines, only_a.empty() ? more : only_a))},
        b{std::make_unique<ProxyProcess>(environment_of("host-b", redis, engines, more))} {}

  /// All of host A at once, as when its power fails: no process of it gets another turn.
  void cut_power_of_a() const {
    auto pids = worker_pids(a->port());
    pids.insert(pids.begin(), a->process().pid());
    for (const auto pid : pids) ::kill(pid, SIGSTOP);
    for (const auto pid : pids) ::kill(pid, SIGKILL);
  }
  // Throws when Redis answers with an error.
  ace::redis::Reply command(const std::vector<std::string>& words) const {
    return redis.command(words).value();
  }
  [[nodiscard]] std::string owner_of(const std::string& id) const {
    return std::string{command({"GET", stream_key(id, "owner")}).as_text().value_or("")};
  }
  /// Keys of streams and of dead workers; those of the living stay.
  [[nodiscard]] std::size_t keys_of(const std::string& id) const {
    return command({"KEYS", stream_key(id, "*")}).elements.size();
  }

  RedisServer redis;
  SimProcess engines;
  std::unique_ptr<ProxyProcess> a;
  std::unique_ptr<ProxyProcess> b;
};

/// Whole packets in order, none twice. What a dead host had read and nobody has seen may be
/// missing.
bool is_whole(const Viewer& viewer) {
  return std::ranges::all_of(viewer.checker().faults(), [](const FaultRecord& record) {
    return record.fault == StreamFault::Gap;
  });
}

bool all_beyond(const Viewers& viewers, const std::vector<std::uint64_t>& before,
                std::uint64_t bytes) {
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    if (viewers.at(i).bytes() < before[i] + bytes) return false;
  }
  return true;
}

std::vector<std::uint64_t> bytes_of(const Viewers& viewers) {
  std::vector<std::uint64_t> bytes;
  for (std::size_t i = 0; i < viewers.size(); ++i) bytes.push_back(viewers.at(i).bytes());
  return bytes;
}

}  // namespace

TEST_CASE("two hosts are one proxy: one engine session, whoever asks where", "[hosts]") {
  const Hosts hosts;
  const auto id = stream_id(1);
  Viewers at_a{hosts.a->port()};
  Viewers at_b{hosts.b->port()};
  at_a.open(4, stream_target(id));
  REQUIRE(all_served(at_a, 10s));
  at_b.open(4, stream_target(id));
  REQUIRE(all_served(at_b, 10s));
  at_b.run_for(1s);
  at_a.run_for(500ms);
  CHECK(at_a.faults().empty());
  CHECK(at_b.faults().empty());
  CHECK_THAT(hosts.owner_of(id), Catch::StartsWith("host-a:"));
  CHECK(hosts.engines.state().stream(id).opened == 1);
  CHECK(hosts.command({"SCARD", stream_key(id, "clients")}).as_integer() == 8);
}

TEST_CASE("a host outlives the other one's power failure", "[hosts]") {
  const Hosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers at_a{hosts.a->port()};
  Viewers at_b{hosts.b->port()};
  at_a.open(3, stream_target(id));
  REQUIRE(all_served(at_a, 10s));
  at_b.open(3, stream_target(id));
  REQUIRE(all_served(at_b, 10s));
  REQUIRE_THAT(hosts.owner_of(id), Catch::StartsWith("host-a:"));

  hosts.cut_power_of_a();
  REQUIRE(at_b.run_until([&] { return hosts.owner_of(id).starts_with("host-b:"); }, 10s));
  const auto before = bytes_of(at_b);
  CHECK(at_b.run_until([&] { return all_beyond(at_b, before, 250'000); }, 10s));
  CHECK(at_b.count(ViewerState::Streaming) == at_b.size());
  for (std::size_t i = 0; i < at_b.size(); ++i) CHECK(is_whole(at_b.at(i)));
  const auto has_no_ghosts = [&] {
    return hosts.command({"SCARD", stream_key(id, "clients")}).as_integer() == 3;
  };
  CHECK(at_b.run_until(has_no_ghosts, 10s));
}

TEST_CASE("what a dead host leaves behind is ended by another one", "[hosts]") {
  const Hosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}, {{"PROXY_GRACE_PERIOD", "2s"}}};
  const auto id = stream_id(1);
  Viewers at_a{hosts.a->port()};
  at_a.open(3, stream_target(id));
  REQUIRE(all_served(at_a, 10s));
  REQUIRE(hosts.keys_of(id) > 5);
  hosts.cut_power_of_a();
  // Long before the records' 60 s are over.
  CHECK(wait_until([&] { return hosts.keys_of(id) == 0; }, 25s));
  // Nobody waits for the engine's answer.
  CHECK(wait_until([&] { return hosts.engines.state().requests(0, "command") == 1; }, 5s));
  CHECK(hosts.engines.state().stream(id).alive == 0);
  CHECK(hosts.engines.state().stream(id).opened == 1);
  CHECK(hosts.command({"SISMEMBER", "ace_proxy:streams", id}).as_integer() == 0);
}

TEST_CASE("a proxy that crashed as a whole is cleaned up by the next one", "[hosts]") {
  // A lease that nobody could wait for: the owner's process is seen to be dead.
  const Hosts hosts{{},
                    {.engines = 1, .bitrate = 2'000'000},
                    {{"PROXY_HOST_NAME", "one-host"},
                     {"PROXY_LEASE", "60s"},
                     {"PROXY_WORKERS", "1"},
                     {"PROXY_GRACE_PERIOD", "1s"}}};
  const auto id = stream_id(1);
  Viewers viewers{hosts.a->port()};
  viewers.open(3, stream_target(id));
  REQUIRE(all_served(viewers, 10s));
  REQUIRE(hosts.keys_of(id) > 5);
  hosts.cut_power_of_a();
  CHECK(wait_until([&] { return hosts.keys_of(id) == 0; }, 25s));
  CHECK(wait_until([&] { return hosts.engines.state().requests(0, "command") == 1; }, 5s));
  CHECK(hosts.engines.state().stream(id).opened == 1);
}

TEST_CASE("a host that stops hands its streams to the other one", "[hosts]") {
  const Hosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers at_a{hosts.a->port()};
  Viewers at_b{hosts.b->port()};
  at_a.open(3, stream_target(id));
  REQUIRE(all_served(at_a, 10s));
  at_b.open(3, stream_target(id));
  REQUIRE(all_served(at_b, 10s));
  REQUIRE_THAT(hosts.owner_of(id), Catch::StartsWith("host-a:"));

  hosts.a->process().signal(SIGTERM);
  REQUIRE(at_b.run_until([&] { return hosts.owner_of(id).starts_with("host-b:"); }, 10s));
  const auto before = bytes_of(at_b);
  CHECK(at_b.run_until([&] { return all_beyond(at_b, before, 250'000); }, 10s));
  CHECK(at_b.count(ViewerState::Streaming) == at_b.size());
  for (std::size_t i = 0; i < at_b.size(); ++i) CHECK(is_whole(at_b.at(i)));
  CHECK(hosts.engines.state().stream(id).opened == 1);  // the session moved, too
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
  const Hosts hosts{server,
                    {.engines = 2, .bitrate = 2'000'000},
                    {},
                    {{"REDIS_USERNAME", "east"}, {"REDIS_PASSWORD", "secret"}}};
  const auto id = stream_id(1);
  Viewers at_a{hosts.a->port()};
  Viewers at_b{hosts.b->port()};
  at_a.open(3, stream_target(id));
  REQUIRE(all_served(at_a, 10s));
  at_b.open(3, stream_target(id));
  REQUIRE(all_served(at_b, 10s));
  REQUIRE_THAT(hosts.owner_of(id), Catch::StartsWith("host-a:"));

  hosts.command({"ACL", "SETUSER", "east", "off"});
  hosts.command({"CLIENT", "KILL", "USER", "east"});
  const auto both = [&](const std::function<bool()>& is_reached, std::chrono::milliseconds time) {
    return at_b.run_until([&] { return at_a.run_until(is_reached, 20ms); }, time);
  };
  REQUIRE(both([&] { return hosts.owner_of(id).starts_with("host-b:"); }, 12s));
  auto before_a = bytes_of(at_a);
  auto before_b = bytes_of(at_b);
  const auto all_go_on = [&] {
    return all_beyond(at_a, before_a, 500'000) && all_beyond(at_b, before_b, 500'000);
  };
  CHECK(both(all_go_on, 15s));
  // The heir took the session; who lost it opened one on the other engine, and stopped nothing.
  CHECK(hosts.engines.state().stream(id).opened == 2);
  CHECK(hosts.engines.state().requests(0, "command") == 0);
  CHECK(hosts.engines.state().requests(1, "command") == 0);

  hosts.command({"ACL", "SETUSER", "east", "on"});
  CHECK(both([&] { return hosts.engines.state().stream(id).alive == 1; }, 20s));
  before_a = bytes_of(at_a);
  before_b = bytes_of(at_b);
  CHECK(both(all_go_on, 15s));
  CHECK_THAT(hosts.owner_of(id), Catch::StartsWith("host-b:"));
  for (const auto* viewers : {&at_a, &at_b}) {
    CHECK(viewers->count(ViewerState::Streaming) == viewers->size());
    for (std::size_t i = 0; i < viewers->size(); ++i) CHECK(is_whole(viewers->at(i)));
  }
}

TEST_CASE("hosts meet in a Redis with password and user, over its socket", "[hosts]") {
  RedisServer::Options server;
  server.arguments = {"--user", "ace", "on", ">secret", "~ace_proxy:*", "&ace_proxy:*", "+@all"};
  const Hosts hosts{server, {}, {{"REDIS_USERNAME", "ace"}, {"REDIS_PASSWORD", "secret"}}};
  const auto id = stream_id(1);
  Viewers at_a{hosts.a->port()};
  Viewers at_b{hosts.b->port()};
  at_a.open(1, stream_target(id));
  REQUIRE(all_served(at_a, 10s));
  at_b.open(1, stream_target(id));
  REQUIRE(all_served(at_b, 10s));
  at_b.run_for(500ms);
  CHECK(at_b.faults().empty());
  CHECK(hosts.engines.state().stream(id).opened == 1);
  CHECK(hosts.command({"SCARD", stream_key(id, "clients")}).as_integer() == 2);
}

TEST_CASE("a Redis that forgets all does not make two sessions of one", "[hosts]") {
  const Hosts hosts{{}, {.engines = 1, .bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers at_a{hosts.a->port()};
  Viewers at_b{hosts.b->port()};
  at_a.open(2, stream_target(id));
  REQUIRE(all_served(at_a, 10s));
  at_b.open(2, stream_target(id));
  REQUIRE(all_served(at_b, 10s));
  REQUIRE_THAT(hosts.owner_of(id), Catch::StartsWith("host-a:"));
  // Both hosts' workers have to know what Redis was before.
  at_b.run_for(2500ms);

  // A commit would tell the owner at once; like this it hears of it with its next renewal.
  hosts.engines.fault("stall");
  at_b.run_for(300ms);
  hosts.command({"FLUSHALL"});
  REQUIRE(at_b.run_until([&] { return !hosts.owner_of(id).empty(); }, 5s));
  CHECK_THAT(hosts.owner_of(id), Catch::StartsWith("host-a:"));
  hosts.engines.clear_faults();
  const auto before = bytes_of(at_b);
  CHECK(at_b.run_until([&] { return all_beyond(at_b, before, 250'000); }, 10s));
  CHECK(at_b.count(ViewerState::Streaming) == at_b.size());
  CHECK(hosts.engines.state().stream(id).opened == 1);
  const auto are_back = [&] {
    return hosts.command({"SCARD", stream_key(id, "clients")}).as_integer() == 4;
  };
  CHECK(at_b.run_until(are_back, 5s));
}

TEST_CASE("a worker whose id another process uses gives way, and says why", "[hosts]") {
  const Hosts hosts;
  const auto pids = worker_pids(hosts.a->port());
  const auto key = fmt::format("ace_proxy:worker:host-a:{}", pids.front());
  REQUIRE(wait_until([&] { return hosts.command({"EXISTS", key}).as_integer() == 1; }, 5s));
  hosts.command({"HSET", key, "token", "another"});
  const auto is_replaced = [&] {
    hosts.command({"HINCRBY", key, "beats", "1"});
    const auto now = worker_pids(hosts.a->port());
    return now.size() == 2 && std::ranges::find(now, pids.front()) == now.end();
  };
  CHECK(wait_until(is_replaced, 15s));
  const auto log = hosts.a->process().log();
  CHECK(count_events(log, "worker_id_taken") == 1);
  CHECK_THAT(log, Catch::Contains("its id is that of another living worker"));
}
