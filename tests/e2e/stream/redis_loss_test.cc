#include <signal.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kViewersAStream = 20;

/// Two streams with 20 viewers each on 4 workers, all being served.
struct Fixture {
  explicit Fixture(std::uint64_t bitrate = 2'000'000,
                   std::size_t viewers_a_stream = kViewersAStream)
      : service{{.bitrate = bitrate}}, viewers{service.port()} {
    for (const auto& id : ids) viewers.open(viewers_a_stream, stream_target(id));
    REQUIRE(all_served(viewers, 15s));
    viewers.run_for(1s);
    REQUIRE(viewers.workers().size() == 4);
  }

  /// Numbered packets: null packets are no news.
  [[nodiscard]] std::vector<std::uint64_t> packets() const {
    std::vector<std::uint64_t> counts;
    for (std::size_t i = 0; i < viewers.size(); ++i) {
      counts.push_back(viewers.at(i).checker().counts().numbered);
    }
    return counts;
  }
  /// Until each viewer has got something new.
  [[nodiscard]] bool all_get_news(std::chrono::milliseconds timeout) {
    const auto before = packets();
    return viewers.run_until(
        [&] {
          const auto now = packets();
          for (std::size_t i = 0; i < before.size(); ++i) {
            if (now[i] <= before[i]) return false;
          }
          return true;
        },
        timeout);
  }
  /// While this time passes, nobody is without news for long.
  void watch(std::chrono::milliseconds time) {
    bool is_over = false;
    const auto end = std::chrono::steady_clock::now() + time;
    while (!is_over) {
      CHECK(all_get_news(5s));
      viewers.run_for(200ms);
      is_over = std::chrono::steady_clock::now() >= end;
    }
  }
  /// Nobody lost a byte, got one twice or was disconnected, and no engine was asked again.
  void check_unharmed() {
    CHECK(viewers.faults().empty());
    CHECK(viewers.count(ViewerState::Streaming) == viewers.size());
    const auto all_are_counted = [&] {  // who is on the way between two workers, by neither
      std::uint64_t counted = 0;
      for (const auto& worker : service.workers()) counted += worker.clients;
      return counted == viewers.size();
    };
    CHECK(viewers.run_until(all_are_counted, 15s));
    const auto state = service.engines().state();
    for (const auto& id : ids) {
      CHECK(state.stream(id).opened == 1);
      CHECK(state.stream(id).max_alive == 1);
      CHECK(state.stream(id).alive == 1);
    }
  }
  [[nodiscard]] std::size_t recorded(const std::string& id) const {
    return service.redis_count({"SMEMBERS", stream_key(id, "clients")});
  }

  std::vector<std::string> ids{stream_id(1), stream_id(2)};
  Service service;
  Viewers viewers;
};

}  // namespace

TEST_CASE("Redis dies and comes back empty: none of 80 viewers notices", "[redis_loss]") {
  Fixture f{2'000'000, 40};
  f.service.redis_server().kill();
  f.watch(10s);
  f.check_unharmed();
  f.service.redis_server().restart();
  f.watch(5s);
  f.check_unharmed();
  CHECK(count_events(f.service.proxy().log(), "client_disconnected") == 0);

  // All are known to Redis again, and who comes now is spread again.
  const auto all_are_recorded = [&](std::size_t count) {
    return f.viewers.run_until(
        [&] {
          return std::ranges::all_of(f.ids,
                                     [&](const auto& id) { return f.recorded(id) == count; });
        },
        30s);
  };
  CHECK(all_are_recorded(40));
  const auto first_new = f.viewers.size();
  for (const auto& id : f.ids) f.viewers.open(kViewersAStream, stream_target(id));
  CHECK(all_served(f.viewers, 15s));
  std::map<std::string, std::size_t> newcomers;
  for (auto i = first_new; i < f.viewers.size(); ++i) ++newcomers[f.viewers.at(i).worker()];
  CHECK(newcomers.size() >= 2);  // those who had given theirs away
  f.watch(2s);
  f.check_unharmed();
  CHECK(all_are_recorded(40 + kViewersAStream));
}

TEST_CASE("Redis is gone for good: viewers stay, new ones are served", "[redis_loss]") {
  Fixture f;
  f.service.redis_server().kill();
  f.watch(5s);
  for (const auto& id : f.ids) f.viewers.open(5, stream_target(id));
  CHECK(all_served(f.viewers, 10s));
  f.watch(5s);
  f.check_unharmed();
  CHECK(json_of(f.service.get("/healthz").body)["redis"] == "down");
}

TEST_CASE("Redis is away for a second: nothing is lost", "[redis_loss]") {
  Fixture f;
  // By its own clock: it must not become two because this test is late.
  CHECK(f.service.redis({"CLIENT", "PAUSE", "1000", "ALL"}).text == "OK");
  f.watch(6s);
  f.check_unharmed();
  // Too short for anybody to move.
  CHECK(count_events(f.service.proxy().log(), "clients_handed_over") == 0);
}

TEST_CASE("Redis freezes for longer than a lease, and goes on with its data", "[redis_loss]") {
  Fixture f;
  f.service.redis_server().pause();
  f.watch(9s);
  f.service.redis_server().resume();
  f.watch(5s);
  f.check_unharmed();
}

TEST_CASE("FLUSHALL under load: nothing is lost", "[redis_loss]") {
  Fixture f;
  for (int i = 0; i < 3; ++i) {
    CHECK(f.service.redis({"FLUSHALL"}).text == "OK");
    f.watch(2s);
  }
  f.check_unharmed();
  const auto is_owned = [&] {
    return f.service.redis_number({"EXISTS", stream_key(f.ids[0], "owner")}) == 1;
  };
  CHECK(f.viewers.run_until(is_owned, 10s));
}

TEST_CASE("a slow viewer moves when it has got what its worker holds", "[redis_loss]") {
  Fixture f;
  // Twice the bitrate: it takes seconds to work its burst off.
  ViewerOptions slow;
  slow.read_limit = 500'000;
  slow.receive_buffer = 32'768;
  f.viewers.run_for(4s);
  const auto first_slow = f.viewers.size();
  f.viewers.open(8, stream_target(f.ids[0]), slow);
  REQUIRE(all_served(f.viewers, 15s));
  f.service.redis_server().kill();
  f.watch(9s);
  f.check_unharmed();
  std::uint64_t fewest = ~0ULL;
  for (auto i = first_slow; i < f.viewers.size(); ++i) {
    fewest = std::min(fewest, f.viewers.at(i).bytes());
  }
  CHECK(fewest > 9 * 250'000);  // what it joined with is not enough for that
}

TEST_CASE("viewers that wait for their first byte as Redis freezes meet at one session",
          "[redis_loss]") {
  Service service{{.bitrate = 2'000'000}};
  const auto id = stream_id(1);
  service.engines().fault("stall");
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(id));
  const auto all_wait = [&] {
    const auto rows = service.workers();
    std::uint64_t clients = 0;
    for (const auto& row : rows) clients += row.clients;
    return clients == 20 &&
           std::ranges::count_if(rows, [](const auto& row) { return row.clients > 0; }) == 4;
  };
  REQUIRE(viewers.run_until(all_wait, 15s));
  service.redis_server().pause();
  // Perhaps nobody owns it yet: the claim was on its way.
  const auto owner_has_all = [&] {
    const auto rows = service.workers();
    return std::ranges::any_of(
        rows, [](const auto& row) { return row.owned_streams == 1 && row.clients == 20; });
  };
  CHECK(viewers.run_until(owner_has_all, 15s));
  service.engines().clear_faults();
  CHECK(all_served(viewers, 10s));
  viewers.run_for(1s);
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == 20);
  CHECK(service.engines().state().stream(id).opened == 1);
  // Each came as a new client: nothing is left of those they were.
  service.redis_server().resume();
  const auto are_recorded = [&] {
    return service.redis_count({"SMEMBERS", stream_key(id, "clients")}) == 20;
  };
  CHECK(viewers.run_until(are_recorded, 30s));
}

TEST_CASE("SIGTERM while viewers are on their way ends every response properly", "[redis_loss]") {
  Fixture f;
  f.service.redis_server().kill();
  const auto has_begun = [&] {
    return count_events(f.service.proxy().log(), "clients_handed_over") > 0;
  };
  REQUIRE(f.viewers.run_until(has_begun, 15s));
  f.service.proxy().signal(SIGTERM);
  CHECK(f.viewers.run_until(
      [&] { return f.viewers.count(ViewerState::Finished) == f.viewers.size(); }, 20s));
  const auto exit = f.service.proxy().wait(15s);
  REQUIRE(exit);
  CHECK(exit->code == 0);
  CHECK(f.viewers.faults().empty());
}

TEST_CASE("Redis dies again and again, and clients come in between", "[redis_loss]") {
  Fixture f;
  for (int i = 0; i < 3; ++i) {
    f.service.redis_server().kill();
    f.watch(3s);
    f.service.redis_server().restart();
    for (const auto& id : f.ids) f.viewers.open(8, stream_target(id));
    CHECK(all_served(f.viewers, 10s));
    f.watch(1s);
  }
  f.check_unharmed();
}

TEST_CASE("Redis and a stream's owner die together: the others meet at the next owner",
          "[redis_loss]") {
  Service service{{.bitrate = 2'000'000}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(40, stream_target(id));
  REQUIRE(all_served(viewers, 10s));
  viewers.run_for(1s);
  const auto owner = service.owner();
  service.redis_server().kill();
  ::kill(owner.pid, SIGKILL);
  std::size_t survivors = 0;
  for (const auto& [worker, count] : viewers.workers()) {
    if (worker != owner.id) survivors += count;
  }
  REQUIRE(survivors > 20);
  const auto they_have_met = [&] {
    const auto rows = service.workers();
    return std::ranges::any_of(
        rows, [&](const auto& row) { return row.owned_streams == 1 && row.clients == survivors; });
  };
  CHECK(viewers.run_until(they_have_met, 15s));
  const auto before = viewers.total_bytes();
  const auto all_go_on = [&] { return viewers.total_bytes() > before + survivors * 500'000; };
  CHECK(viewers.run_until(all_go_on, 15s));
  CHECK(viewers.count(ViewerState::Streaming) == survivors);
  CHECK(service.engines().state().stream(id).opened == 1);  // the table told the next owner of it
}
