#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/players.h"
#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// Viewers on other workers than `owner`.
std::vector<std::size_t> elsewhere(const Viewers& viewers, const std::string& owner) {
  std::vector<std::size_t> indices;
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    if (viewers.at(i).worker() != owner) indices.push_back(i);
  }
  return indices;
}

/// Packets that begin where none should, or that are not the engine's.
bool has_broken_packets(const Viewer& viewer) {
  return std::ranges::any_of(viewer.checker().faults(), [](const FaultRecord& record) {
    return record.fault == StreamFault::BadSync || record.fault == StreamFault::Corrupt ||
           record.fault == StreamFault::Foreign;
  });
}

}  // namespace

TEST_CASE("viewers on other workers outlive the owner of their stream", "[takeover]") {
  const Service service{{.bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(500ms);
  const auto owner = service.owner();
  const auto survivors = elsewhere(viewers, owner.id);
  REQUIRE(survivors.size() >= 4);

  ::kill(owner.pid, SIGKILL);
  // What was on its way is not news: the bytes count from the new owner on.
  const auto has_new_owner = [&] {
    return std::ranges::any_of(service.workers(), [&](const WorkerRow& row) {
      return row.id != owner.id && row.owned_streams > 0;
    });
  };
  REQUIRE(viewers.run_until(has_new_owner, 20s));
  std::vector<std::uint64_t> before(viewers.size());
  for (const auto i : survivors) before[i] = viewers.at(i).bytes();
  const auto all_get_bytes = [&] {
    return std::ranges::all_of(
        survivors, [&](std::size_t i) { return viewers.at(i).bytes() > before[i] + 200'000; });
  };
  CHECK(viewers.run_until(all_get_bytes, 20s));
  for (const auto i : survivors) {
    CHECK(viewers.at(i).state() == ViewerState::Streaming);
    CHECK_FALSE(has_broken_packets(viewers.at(i)));
  }
  const auto is_replaced = [&] {
    const auto rows = service.workers();
    return rows.size() == 4 && std::ranges::all_of(rows, [&](const auto& row) {
             return row.phase == "serving" && row.pid != owner.pid;
           });
  };
  CHECK(viewers.run_until(is_replaced, 20s));
}

TEST_CASE("clients of a worker that died do not keep their stream alive", "[takeover]") {
  const Service service{{.bitrate = 2'000'000,
                         .environment = {{"PROXY_HEARTBEAT_INTERVAL", "1s"},
                                         {"PROXY_GHOST_CLIENT_MULTIPLIER", "2"},
                                         {"PROXY_GRACE_PERIOD", "1s"}}}};
  const auto id = stream_id(1);
  const auto clients = stream_key(id, "clients");
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(viewers.run_until([&] { return service.redis_count({"SMEMBERS", clients}) == 20; }, 20s));
  const auto owner = service.owner();
  const auto survivors = elsewhere(viewers, owner.id);
  ::kill(owner.pid, SIGKILL);
  CHECK(viewers.run_until(
      [&] {
        return service.redis_count({"SMEMBERS", clients}) == survivors.size();
      },
      20s));
  viewers.close_all();
  const auto is_gone = [&] { return service.redis_count({"KEYS", stream_key(id, "*")}) == 0; };
  CHECK(viewers.run_until(is_gone, 20s));
  // The engine is told to stop, and its answer not waited for.
  const auto is_stopped = [&] {
    return service.engines().state().engine(0, "playback_connections") == 0;
  };
  CHECK(viewers.run_until(is_stopped, 20s));
}

TEST_CASE("a dead worker's stream that nobody follows is ended", "[takeover]") {
  const Service service{
      {.workers = 2, .bitrate = 2'000'000, .environment = {{"PROXY_GRACE_PERIOD", "1s"}}}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(2, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  const auto owner = service.owner();
  REQUIRE(elsewhere(viewers, owner.id).empty());
  ::kill(owner.pid, SIGKILL);
  // Long before the records' 60 s are over.
  const auto is_gone = [&] { return service.redis_count({"KEYS", stream_key(id, "*")}) == 0; };
  CHECK(viewers.run_until(is_gone, 30s));
  const auto is_told = [&] { return service.engines().state().requests(0, "command") == 1; };
  CHECK(viewers.run_until(is_told, 20s));
  CHECK(service.engines().state().stream(id).opened == 1);
  CHECK(service.redis_count({"KEYS", "ace_proxy:worker:" + owner.id}) == 0);
}

TEST_CASE("who comes to a stream that is minded without viewers is served", "[takeover]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers first{service.port()};
  first.open(1, stream_target(id));
  REQUIRE(all_served(first, 20s));
  const auto dead = service.owner();
  ::kill(dead.pid, SIGKILL);
  const auto is_minded = [&] {
    const auto owner = service.redis({"GET", stream_key(id, "owner")});
    return owner.as_text().value_or(dead.id) != dead.id;
  };
  REQUIRE(first.run_until(is_minded, 20s));
  CHECK(service.engines().state().stream(id).opened == 1);
  Viewers late{service.port()};
  late.open(2, stream_target(id));
  CHECK(all_served(late, 20s));
  late.run_for(500ms);
  CHECK(late.faults().empty());
}

TEST_CASE("clients of a dead follower are out of Redis at once", "[takeover]") {
  const Service service{{.bitrate = 2'000'000}};
  const auto id = stream_id(1);
  const auto clients = stream_key(id, "clients");
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(viewers.run_until([&] { return service.redis_count({"SMEMBERS", clients}) == 20; }, 20s));
  const auto owner = service.owner();
  const auto victim = viewers.at(elsewhere(viewers, owner.id).at(0)).worker();
  const auto left = elsewhere(viewers, victim).size();
  const auto rows = service.workers();
  ::kill(std::ranges::find(rows, victim, &WorkerRow::id)->pid, SIGKILL);
  // Their records would live for 50 s more.
  const auto are_gone = [&] {
    return service.redis_count({"SMEMBERS", clients}) == left &&
           service.redis_count({"KEYS", stream_key(id, "clients:*")}) == left;
  };
  CHECK(viewers.run_until(are_gone, 20s));
  CHECK(service.owner().id == owner.id);
  CHECK(viewers.run_until([&] { return viewers.count(ViewerState::Streaming) == left; }, 10s));
}

TEST_CASE("viewers on other workers outlive an owner that stands still", "[takeover]") {
  Service service{{.bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  const auto owner = service.owner();
  const auto survivors = elsewhere(viewers, owner.id);
  REQUIRE(survivors.size() >= 4);
  ::kill(owner.pid, SIGSTOP);
  const auto is_taken = [&] {
    return service.redis({"GET", stream_key(id, "owner")}).as_text() != owner.id;
  };
  REQUIRE(viewers.run_until(is_taken, 20s));
  std::vector<std::uint64_t> before(viewers.size());
  for (const auto i : survivors) before[i] = viewers.at(i).bytes();
  const auto all_get_bytes = [&] {
    return std::ranges::all_of(
        survivors, [&](std::size_t i) { return viewers.at(i).bytes() > before[i] + 200'000; });
  };
  CHECK(viewers.run_until(all_get_bytes, 20s));
  for (const auto i : survivors) {
    CHECK(viewers.at(i).state() == ViewerState::Streaming);
    CHECK_FALSE(has_broken_packets(viewers.at(i)));
  }
  // Nobody waited for the watchdog, whose 10 s may be over by now.
  const std::string started = " stream_started ";
  const auto log = service.proxy().log();
  const auto again = log.find(started, log.find(started) + started.size());
  CHECK(again < log.find(" worker_hangs "));
}

TEST_CASE("a player on another worker decodes on when the owner dies", "[takeover]") {
  // VLC does too, but tells of the tables' counters, which jump with what the dead owner had read.
  std::vector<Player> players{ffmpeg()};
  if (is_long_run()) players.insert(players.end(), {mpv(), gstreamer(), ffmpeg(), mpv()});
  for (const auto& player : players) {
    if (!is_installed(player)) continue;
    const Service service{{.workers = 2, .source = "ffmpeg"}};
    const auto target = stream_target(stream_id(1));
    Viewers viewers{service.port()};
    viewers.open(9, target, {.discard = true});  // the owner has its fill: who comes now follows
    REQUIRE(all_served(viewers, 20s));
    viewers.run_for(3s);
    const auto owner = service.owner();
    REQUIRE(owner.clients == 8);
    auto playing = start(player, fmt::format("http://127.0.0.1:{}{}", service.port(), target));
    const auto follows = [&] {
      return std::ranges::any_of(service.workers(),
                                 [](const auto& row) { return row.clients == 2; });
    };
    REQUIRE(viewers.run_until(follows, 10s));
    ::kill(owner.pid, SIGKILL);
    check_played(player, playing, viewers, "follows");
    CHECK(service.engines().state().stream(stream_id(1)).opened == 1);
  }
}
