// Who owns a stream is known in two places, the host's table and Redis, and so is whether it ends.
// Each test brings the two apart and looks whether they come together again.

#include <signal.h>

#include <algorithm>
#include <string>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

std::string owner_in_redis(const Service& service, const std::string& id) {
  const auto reply = service.redis({"GET", stream_key(id, "owner")});
  return std::string{reply.as_text().value_or("")};
}

/// The host's table and Redis name the same worker.
bool do_agree(const Service& service, const std::string& id) {
  const auto rows = service.started_streams();
  return rows.size() == 1 && rows[0].owner == owner_in_redis(service, id);
}

}  // namespace

TEST_CASE("after an owner stood still the host and Redis name one owner", "[disagreement]") {
  // Between the moment in which the host takes it for frozen and the end of its lease.
  const auto frozen_for = GENERATE(5'300ms, 5'700ms);
  Service service{{.workers = 2, .bitrate = 1'000'000}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(12, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(500ms);
  const auto owner = service.owner();
  ::kill(owner.pid, SIGSTOP);
  viewers.run_for(frozen_for);
  ::kill(owner.pid, SIGCONT);
  CHECK(viewers.run_until([&] { return do_agree(service, id); }, 20s));

  SECTION("so that a reload ends") {
    const auto old = service.workers();
    ::kill(service.proxy().pid(), SIGHUP);
    const auto is_replaced = [&] {
      const auto rows = service.workers();
      return rows.size() == 2 && std::ranges::none_of(rows, [&](const WorkerRow& row) {
               return std::ranges::find(old, row.pid, &WorkerRow::pid) != old.end();
             });
    };
    CHECK(viewers.run_until(is_replaced, 40s));
    CHECK(count_events(service.proxy().log(), "stream_not_taken") == 0);
  }
  SECTION("so that viewers find it without Redis") {
    service.redis_server().pause();
    const auto are_handed_over = [&] {
      const auto rows = service.workers();
      return rows.size() == 2 && (rows[0].clients == 12 || rows[1].clients == 12);
    };
    // Not after the 10 s that a follower of another host's stream waits.
    CHECK(viewers.run_until(are_handed_over, 8s));
    service.redis_server().resume();
  }
  CHECK(viewers.count(ViewerState::Streaming) == 12);
}

TEST_CASE("who comes while a stream is being ended keeps it going", "[disagreement]") {
  // The first viewer of each round leaves, Redis rests over the end of the grace period, and the
  // next one comes before it answers that nobody watches.
  const auto comes_after = GENERATE(200ms, 320ms, 450ms);
  Service service{
      {.workers = 1, .bitrate = 1'000'000, .environment = {{"PROXY_GRACE_PERIOD", "300ms"}}}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  for (std::size_t round = 0; round < 5; ++round) {
    viewers.run_for(300ms);
    const auto members = [&] {
      return service.redis_count({"SMEMBERS", stream_key(id, "clients")});
    };
    REQUIRE(viewers.run_until([&] { return members() == 1; }, 20s));
    viewers.close(round);
    REQUIRE(viewers.run_until([&] { return members() == 0; }, 20s));
    REQUIRE(service.redis({"CLIENT", "PAUSE", "600", "ALL"}).text == "OK");
    viewers.run_for(comes_after);
    viewers.open(1, stream_target(id));
    const auto has_media = [&] { return viewers.at(round + 1).bytes() > 150'000; };
    REQUIRE(viewers.run_until(has_media, 20s));
  }
  CHECK(viewers.faults().empty());
  // It is in Redis as any stream is: with its viewer, its owner and its newest chunk.
  CHECK(viewers.run_until([&] { return do_agree(service, id); }, 20s));
  const auto is_recorded = [&] {
    return service.redis_count({"SMEMBERS", stream_key(id, "clients")}) == 1;
  };
  CHECK(viewers.run_until(is_recorded, 20s));
  // A viewer who comes in time costs no engine session.
  CHECK(service.engines().state().stream(id).opened == 1);
}
