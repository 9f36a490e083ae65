#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/e2e/stream/sockets.h"
#include "tests/support/process/resident_memory.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kViewers = 16;
constexpr std::uint64_t kBitrate = 2'000'000;
constexpr std::size_t kMostMemory = 200U << 20U;
constexpr auto kRecovery = 20s;

std::set<pid_t> pids(const Service& service) {
  std::set<pid_t> all;
  for (const auto& worker : service.workers()) all.insert(worker.pid);
  return all;
}

/// A stream with viewers on its owner and on others, before Redis gets into trouble.
class Watched {
 public:
  explicit Watched(ProxyProcess::Environment environment = {})
      : service_{options(std::move(environment))}, viewers_{service_.port()} {
    viewers_.open(kViewers, stream_target(id_));
    REQUIRE(all_served(viewers_, 20s));
    REQUIRE(viewers_.run_until([&] { return recorded() == kViewers; }, 10s));
    workers_ = pids(service_);
    owner_ = service_.owner().id;
    const auto with_owner = static_cast<std::size_t>(viewers_.workers().at(owner_));
    REQUIRE(with_owner > 0);
    REQUIRE(with_owner < kViewers);
  }

  [[nodiscard]] Service& service() { return service_; }
  [[nodiscard]] std::string key(std::string_view what) const { return stream_key(id_, what); }
  [[nodiscard]] std::size_t recorded() {
    std::size_t clients = 0;
    for (const auto& id : {id_, cold_id_}) {
      // An error: it is of another type.
      const auto members = service_.redis_server().command({"SMEMBERS", stream_key(id, "clients")});
      if (members) clients += members->elements.size();
    }
    return clients;
  }

  /// Time passes, and memory stays within its bounds.
  void run(std::chrono::milliseconds duration) {
    viewers_.run_for(duration);
    for (const auto pid : workers_) {
      if (!kIsSanitized) CHECK(resident_bytes(pid) < kMostMemory);
    }
  }
  void redis(const std::vector<std::string>& command) const {
    static_cast<void>(service_.redis(command));
  }

  /// While Redis is in trouble, somebody else comes to the stream, and to one that is cold.
  void serve_newcomers() {
    const auto first = viewers_.open(2, stream_target(id_));
    viewers_.open(2, stream_target(cold_id_));
    const auto all_get_media = [&] {
      for (auto i = first; i < viewers_.size(); ++i) {
        if (viewers_.at(i).checker().counts().numbered == 0) return false;
      }
      return true;
    };
    CHECK(viewers_.run_until(all_get_media, 15s));
  }

  /// Redis is well again: everybody gets what the engine sends now.
  void check_recovery() {
    std::vector<std::uint64_t> before;
    for (std::size_t i = 0; i < viewers_.size(); ++i) before.push_back(newest(i));
    // Packets are numbered in time: what is sent two seconds from now.
    const auto ahead = 2 * kBitrate / 8 / 188;
    const auto all_live = [&] {
      for (std::size_t i = 0; i < viewers_.size(); ++i) {
        if (newest(i) < before[i] + ahead) return false;
      }
      return true;
    };
    CHECK(viewers_.run_until(all_live, kRecovery));
    CHECK(viewers_.run_until([&] { return recorded() == viewers_.size(); }, kRecovery));
    const auto is_owned = [&] {
      const auto name = service_.redis_server().command({"GET", key("owner")});
      return name && name->text == owner_;  // of another type it is an error, until it is healed
    };
    CHECK(viewers_.run_until(is_owned, kRecovery));
    run(0ms);
  }

  /// All workers use it.
  [[nodiscard]] bool is_redis_up() {
    const auto json = json_of(service_.get("/workers").body);
    return std::ranges::all_of(json.GetArray(),
                               [](const auto& worker) { return worker["redis_is_up"].GetBool(); });
  }

  /// What /readyz says of Redis; empty: nothing.
  [[nodiscard]] std::string trouble() const {
    const auto page = json_of(service_.get("/readyz").body);
    if (!page.HasMember("redis_trouble")) return {};
    return page["redis_trouble"]["code"].GetString();
  }
  /// Chunks that Redis never got.
  [[nodiscard]] std::uint64_t skipped() const {
    std::uint64_t all = 0;
    const auto workers = json_of(service_.get("/workers").body);
    for (const auto& worker : workers.GetArray()) all += worker["chunks_skipped"].GetUint64();
    return all;
  }

  enum class Gaps { None, OfFollowers };
  void check_all_kept(Gaps gaps = Gaps::None) const {
    CHECK(pids(service_) == workers_);
    CHECK(viewers_.count(ViewerState::Streaming) == viewers_.size());
    for (std::size_t i = 0; i < viewers_.size(); ++i) {
      const auto& checker = viewers_.at(i).checker();
      const bool may_miss = gaps == Gaps::OfFollowers && viewers_.at(i).worker() != owner_;
      INFO("viewer " << i << " of " << viewers_.at(i).worker() << ", owner " << owner_);
      for (const auto& fault : checker.faults()) {
        UNSCOPED_INFO(to_string(fault.fault) << ": " << fault.text);
      }
      const auto is_wrong = [&](const FaultRecord& record) {
        return record.fault != StreamFault::Gap || !may_miss;
      };
      CHECK(std::ranges::none_of(checker.faults(), is_wrong));
      if (!may_miss) CHECK(checker.counts().missing == 0);
    }
    const auto state = service_.engines().state();
    CHECK(state.stream(id_).opened == 1);
    CHECK(state.stream(id_).alive == 1);
    CHECK(state.stream(cold_id_).opened <= 1);
    CHECK(service_.get("/healthz").status == 200);
  }

 private:
  static ServiceOptions options(ProxyProcess::Environment environment) {
    // Clients that lost their records come back with the next heartbeat.
    environment.try_emplace("PROXY_HEARTBEAT_INTERVAL", "1s");
    environment.try_emplace("PROXY_GHOST_CLIENT_MULTIPLIER", "20");
    return {.workers = 3, .bitrate = kBitrate, .environment = std::move(environment)};
  }
  [[nodiscard]] std::uint64_t newest(std::size_t viewer) const {
    return viewers_.at(viewer).checker().last_seq().value_or(0);
  }

  std::string id_{stream_id(1)};
  std::string cold_id_{stream_id(2)};
  Service service_;
  Viewers viewers_;
  std::set<pid_t> workers_;
  std::string owner_;
};

}  // namespace

TEST_CASE("Redis that pauses for a while costs viewers nothing", "[redis_trouble]") {
  const auto pause = GENERATE(1s, 5s);
  INFO("for " << pause.count() << " s");
  Watched stream;
  stream.service().redis_server().pause();
  if (pause > 1s) stream.serve_newcomers();
  stream.run(pause);
  stream.service().redis_server().resume();
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("Redis without memory costs viewers nothing", "[redis_trouble]") {
  Watched stream;
  stream.redis({"CONFIG", "SET", "maxmemory", "1"});
  stream.serve_newcomers();
  stream.run(5s);
  CHECK(stream.trouble() == "full");
  CHECK(stream.is_redis_up());
  stream.redis({"CONFIG", "SET", "maxmemory", "0"});
  stream.check_recovery();
  stream.check_all_kept();
  CHECK(stream.trouble().empty());
}

TEST_CASE("where Redis is short of memory less is kept of a stream", "[redis_trouble]") {
  Watched stream;
  stream.run(4s);
  const auto used = stream.service().redis_info("memory", "used_memory");
  const auto stored = stream.skipped();
  stream.redis({"CONFIG", "SET", "maxmemory", std::to_string(used)});
  stream.run(6s);
  CHECK(stream.skipped() == stored);
  CHECK(stream.trouble().empty());
  CHECK(count_events(stream.service().proxy().log(), "redis_short_of_memory") > 0);
  CHECK(count_events(stream.service().proxy().log(), "clients_handed_over") == 0);
  stream.redis({"CONFIG", "SET", "maxmemory", "0"});
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("Redis that turns read-only costs viewers nothing", "[redis_trouble]") {
  const RefusingPort nobody;
  Watched stream;
  stream.redis({"REPLICAOF", "127.0.0.1", nobody.port()});
  stream.serve_newcomers();
  stream.run(6s);  // longer than a lease can do without renewal
  stream.redis({"REPLICAOF", "NO", "ONE"});
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("of a trouble longer than the window followers' viewers get the end", "[redis_trouble]") {
  const RefusingPort nobody;
  Watched stream{{{"PROXY_LEASE", "2s"}, {"PROXY_JOIN_BURST", "500ms"}}};
  stream.redis({"REPLICAOF", "127.0.0.1", nobody.port()});
  stream.run(7s);
  stream.redis({"REPLICAOF", "NO", "ONE"});
  stream.check_recovery();
  stream.check_all_kept(Watched::Gaps::OfFollowers);
}

TEST_CASE("a key that holds another type is healed without a viewer noticing", "[redis_trouble]") {
  const std::string what = GENERATE("metadata", "buffer:index", "owner", "clients");
  INFO(what);
  Watched stream;
  // At once: the owner makes a key that is gone again.
  stream.redis({"EVAL", "redis.call('DEL', KEYS[1]) redis.call('RPUSH', KEYS[1], 'junk')", "1",
                stream.key(what)});
  stream.run(1s);
  stream.check_recovery();
  stream.check_all_kept();
  CHECK(stream.service().redis({"TYPE", stream.key(what)}).text != "list");
}

TEST_CASE("Redis that cuts connections again and again costs viewers nothing", "[redis_trouble]") {
  Watched stream;
  for (int i = 0; i < 10; ++i) {
    stream.redis({"CLIENT", "KILL", "TYPE", "pubsub"});
    stream.redis({"CLIENT", "KILL", "TYPE", "normal"});
    stream.run(300ms);
  }
  stream.serve_newcomers();
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("Redis that wants a password all of a sudden costs viewers nothing", "[redis_trouble]") {
  Watched stream;
  auto& server = stream.service().redis_server();
  server.require_password("secret");
  // Who is connected stays so.
  stream.redis({"CLIENT", "KILL", "TYPE", "pubsub"});
  stream.redis({"CLIENT", "KILL", "TYPE", "normal"});
  stream.serve_newcomers();
  stream.run(3s);
  server.require_password("");
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("viewers do without events", "[redis_trouble]") {
  Watched stream;
  stream.redis({"CONFIG", "SET", "client-output-buffer-limit", "pubsub 1 0 0"});
  stream.run(3s);
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("keys that are evicted are made again without a viewer noticing", "[redis_trouble]") {
  Watched stream;
  for (const auto* what : {"metadata", "buffer:index", "owner", "clients"}) {
    stream.redis({"DEL", stream.key(what)});
    stream.run(700ms);
  }
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("Redis that answers slowly costs viewers nothing", "[redis_trouble]") {
  Watched stream;
  for (int i = 0; i < 6; ++i) {
    stream.service().redis_server().pause();
    stream.run(400ms);
    stream.service().redis_server().resume();
    stream.run(200ms);
  }
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("Redis that forgets everything costs viewers nothing", "[redis_trouble]") {
  Watched stream;
  SECTION("its keys") { stream.redis({"FLUSHALL"}); }
  SECTION("its keys, its scripts and its connections") {
    stream.service().redis_server().restart();
  }
  stream.check_recovery();
  stream.check_all_kept();
}

TEST_CASE("Redis that still loads its data is not there yet", "[redis_trouble]") {
  Watched stream;
  auto& server = stream.service().redis_server();
  server.restart_loading(6s);
  stream.run(2s);
  REQUIRE(server.is_loading());
  CHECK_FALSE(stream.is_redis_up());
  stream.serve_newcomers();
  while (server.is_loading()) stream.run(20ms);
  const auto loaded = std::chrono::steady_clock::now();
  while (!stream.is_redis_up() && std::chrono::steady_clock::now() - loaded < kRecovery) {
    stream.run(20ms);
  }
  CHECK(std::chrono::steady_clock::now() - loaded < 5s);  // it is asked at least every 2 s
  stream.check_recovery();
  stream.check_all_kept();
}
