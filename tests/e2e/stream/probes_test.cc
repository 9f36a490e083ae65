// Who only looks whether a stream is there costs no engine session; who stays after a crowd of
// probes gets the one that all of them share.

#include <signal.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

ServiceOptions with_delay(const std::string& delay, const std::string& grace = "1s") {
  return {.workers = 2,
          .bitrate = 1'000'000,
          .environment = {{"PROXY_START_DELAY", delay}, {"PROXY_GRACE_PERIOD", grace}}};
}

std::uint64_t asked(const Service& service) {
  return service.engines().state().requests(0, "getstream");
}

std::uint64_t clients(const Service& service) {
  std::uint64_t count = 0;
  for (const auto& worker : service.workers()) count += worker.clients;
  return count;
}

/// Opens one more viewer and waits until the proxy has it.
std::size_t come(const Service& service, Viewers& viewers, const std::string& target) {
  const auto before = clients(service);
  const auto index = viewers.open(1, target);
  REQUIRE(viewers.run_until([&] { return clients(service) > before; }, 10s));
  return index;
}

void leave(const Service& service, Viewers& viewers, std::size_t index, bool with_reset) {
  const auto before = clients(service);
  viewers.close(index, with_reset);
  REQUIRE(viewers.run_until([&] { return clients(service) < before; }, 10s));
}

}  // namespace

TEST_CASE("clients that leave within the delay start nothing", "[probes]") {
  // Long enough that no machine is too slow to leave in time.
  const Service service{with_delay("6s")};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  for (int i = 0; i < 6; ++i) {
    leave(service, viewers, come(service, viewers, stream_target(id)), i % 2 == 0);
  }
  // Together they are longer here than the delay, each is not.
  for (int i = 0; i < 3; ++i) {
    const auto probe = come(service, viewers, stream_target(id));
    viewers.run_for(2100ms);
    leave(service, viewers, probe, false);
  }
  CHECK(wait_until([&] { return service.redis_count({"KEYS", "ace_proxy:stream:*"}) == 0; }, 20s));
  CHECK(asked(service) == 0);
  CHECK(wait_until([&] { return service.get("/streams").body == "[]"; }, 20s));
}

TEST_CASE("a stream that outlives its probes asks no engine, until somebody stays", "[probes]") {
  const Service service{with_delay("5s", "20s")};
  const auto id = stream_id(1);
  const auto target = stream_target(id);
  Viewers viewers{service.port()};
  leave(service, viewers, come(service, viewers, target), false);
  viewers.run_for(6s);
  CHECK(asked(service) == 0);
  leave(service, viewers, come(service, viewers, target), true);
  const auto stays = come(service, viewers, target);
  REQUIRE(viewers.run_until([&] { return viewers.at(stays).bytes() > 0; }, 20s));
  CHECK(viewers.faults().empty());
  CHECK(service.engines().state().stream(id).opened == 1);
}

TEST_CASE("who stays gets the stream, and a second one does not begin anew", "[probes]") {
  const Service service{with_delay("1500ms")};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  come(service, viewers, stream_target(id));
  viewers.run_for(700ms);
  come(service, viewers, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  CHECK(viewers.at(0).first_byte_after().value() >= 1500ms);
  CHECK(viewers.at(1).first_byte_after().value() < viewers.at(0).first_byte_after().value());
  CHECK(service.engines().state().stream(id).opened == 1);
  CHECK(viewers.faults().empty());
}

TEST_CASE("a running stream is joined without delay, and taken over without", "[probes]") {
  const Service service{with_delay("8s")};
  const auto target = stream_target(stream_id(1));
  Viewers viewers{service.port()};
  // One more than an owner of two workers keeps to itself: the other worker follows.
  viewers.open(12, target);
  REQUIRE(all_served(viewers, 30s));
  const auto joined = viewers.open(1, target);
  REQUIRE(viewers.run_until([&] { return viewers.at(joined).bytes() > 0; }, 6s));
  CHECK(viewers.at(joined).first_byte_after().value() < 6s);

  const auto owner = service.owner();
  const auto before = service.engines().state().engine(0, "sessions_opened");
  CHECK(before == 1);
  REQUIRE(::kill(owner.pid, SIGKILL) == 0);
  const auto is_going_on = [&] {
    std::size_t well = 0;
    for (std::size_t i = 0; i < viewers.size(); ++i) {
      const auto& viewer = viewers.at(i);
      if (viewer.worker() != owner.id && viewer.state() == ViewerState::Streaming) ++well;
    }
    return well > 0 && service.engines().state().requests(0, "playback") > 1;
  };
  CHECK(viewers.run_until(is_going_on, 6s));
}

TEST_CASE("Kodi asks by HEAD, opens five times over, and is one session", "[probes]") {
  const Service service{with_delay("300ms", "20s")};  // nobody is there between two of its opens
  const auto id = stream_id(1);
  const auto target = stream_target(id);
  Viewers viewers{service.port()};
  for (int i = 0; i < 2; ++i) CHECK(http_request(service.port(), "HEAD", target).status == 200);
  CHECK(asked(service) == 0);
  // The first are closed before anything came, the others after some media.
  for (int i = 0; i < 5; ++i) {
    const auto open = come(service, viewers, target);
    if (i >= 2) REQUIRE(viewers.run_until([&] { return viewers.at(open).bytes() > 50'000; }, 20s));
    leave(service, viewers, open, i % 2 == 0);
  }
  const auto stays = viewers.open(1, target);
  REQUIRE(viewers.run_until([&] { return viewers.at(stays).bytes() > 500'000; }, 20s));
  CHECK(viewers.at(stays).state() == ViewerState::Streaming);
  CHECK(viewers.faults().empty());
  CHECK(service.engines().state().stream(id).opened == 1);
}

TEST_CASE("Plex opens anew before it closes, and is one session", "[probes]") {
  const Service service{with_delay("300ms", "4s")};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  auto watching = viewers.open(1, stream_target(id));
  for (int i = 0; i < 4; ++i) {
    REQUIRE(viewers.run_until([&] { return viewers.at(watching).bytes() > 50'000; }, 20s));
    const auto next = viewers.open(1, stream_target(id));
    if (i % 2 == 0) REQUIRE(viewers.run_until([&] { return viewers.at(next).bytes() > 0; }, 20s));
    viewers.close(watching, true);
    watching = next;
  }
  // Longer than a stream outlives its last viewer.
  viewers.run_for(6s);
  CHECK(viewers.at(watching).state() == ViewerState::Streaming);
  CHECK(viewers.faults().empty());
  const auto state = service.engines().state();
  CHECK(state.stream(id).opened == 1);
  CHECK(state.engine(0, "stops_received") == 0);
}

TEST_CASE("a zap through many channels asks only for the last", "[probes]") {
  const Service service{with_delay("6s")};
  Viewers viewers{service.port()};
  for (unsigned channel = 1; channel <= 10; ++channel) {
    leave(service, viewers, come(service, viewers, stream_target(stream_id(channel))), true);
  }
  const auto last = come(service, viewers, stream_target(stream_id(11)));
  REQUIRE(viewers.run_until([&] { return viewers.at(last).bytes() > 0; }, 20s));
  CHECK(service.engines().state().engine(0, "sessions_opened") == 1);
  CHECK(service.engines().state().stream(stream_id(11)).opened == 1);
}

TEST_CASE("who leaves while the engine is being asked leaves no session behind", "[probes]") {
  const Service service{with_delay("0ms")};
  service.engines().fault("slow_json", "200");
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  const auto gone = viewers.open(1, stream_target(id));
  REQUIRE(viewers.run_until([&] { return asked(service) > 0; }, 10s));
  viewers.close(gone);
  CHECK(wait_until([&] { return service.redis_count({"KEYS", "ace_proxy:stream:*"}) == 0; }, 20s));
  const auto is_over = [&] { return service.engines().state().engine(0, "sessions_alive") == 0; };
  CHECK(wait_until(is_over, 20s));
  CHECK(wait_until([&] { return service.get("/streams").body == "[]"; }, 20s));

  service.engines().clear_faults();
  const auto next = viewers.open(1, stream_target(id));
  REQUIRE(viewers.run_until([&] { return viewers.at(next).bytes() > 0; }, 20s));
  CHECK(viewers.faults().empty());
}
