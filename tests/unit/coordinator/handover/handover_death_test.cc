// Handovers of which one side dies on the way.

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/unit/coordinator/handover/handover_fixture.h"

using namespace ace::test;
using namespace ace::host;
using ace::UniqueFd;

TEST_CASE("an offer to a worker that died is refused by the slot's next one", "[handover]") {
  Fixture f;
  f.b.handover.reset();
  f.offer_to_b();
  f.board().close_slot(f.b.self.slot);
  Station next{f.loop, *f.host, 1};
  f.run_until([&] { return !f.a.boarded.empty(); });
  CHECK(next.boarded.empty());
  CHECK(f.on_their_way() == 0);
}

TEST_CASE("an offer to a worker whose death is announced returns at once", "[handover]") {
  Fixture f;
  f.b.handover.reset();
  f.offer_to_b();
  f.board().close_slot(f.b.self.slot);
  f.a.handover->on_worker_died();
  CHECK(f.a.boarded.size() == 1);
}

TEST_CASE("a receiver whose sender died before go serves the client", "[handover]") {
  Fixture f;
  f.offer_to_b();
  f.a.handover.reset();  // dies after the offer was sent
  f.run_until([&] { return f.b.handover->in_flight() == 1; });
  f.board().close_slot(f.a.self.slot);
  f.b.handover->on_worker_died();
  REQUIRE(f.b.boarded.size() == 1);
  CHECK(f.clients(f.b) == 1);
}

TEST_CASE("a client whose receiver died having accepted it stays", "[handover]") {
  Fixture f;
  SECTION("before its answer") { f.offer_to_b(); }
  SECTION("in the middle of its stream") { f.offer_viewer_to_b(); }
  f.b.handover->on_worker_died();  // reads b's inbox, and answers
  REQUIRE(f.b.handover->in_flight() == 1);
  f.b.handover.reset();
  f.board().close_slot(f.b.self.slot);
  f.a.handover->on_worker_died();
  REQUIRE(f.a.boarded.size() == 1);
  CHECK(::write(f.a.boarded[0].socket.get(), "x", 1) == 1);
  CHECK(f.a.handover->in_flight() == 0);
  CHECK(f.clients(f.a) == 1);
  CHECK(f.on_their_way() == 0);
}

TEST_CASE("a slot's next worker does not take the place of what a dead one offered", "[handover]") {
  Fixture f;
  f.offer_to_b();
  f.a.handover.reset();
  f.run_until([&] { return f.b.handover->in_flight() == 1; });
  f.board().close_slot(f.a.self.slot);
  // b has been busy: the next one's first offer is there before it hears of the death.
  Station next{f.loop, *f.host, 0};
  std::array<int, 2> ends{};
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
  const UniqueFd other_client{ends[1]};
  next.handover->count_on_its_way(f.b.self);
  next.handover->offer(f.b.self, {.socket = UniqueFd{ends[0]}, .request = "GET the other"});
  f.b.handover->on_worker_died();

  REQUIRE(f.b.boarded.size() == 1);
  CHECK(f.b.boarded[0].request == "GET");
  f.run_until([&] { return f.b.boarded.size() == 2; });
  CHECK(f.b.boarded[1].request == "GET the other");
  CHECK(f.clients(f.b) == 2);
}

TEST_CASE("whatever a dead worker had offered goes on, however much it is", "[handover]") {
  constexpr std::size_t kOffers = 100;
  Fixture f;
  std::vector<UniqueFd> clients;
  for (std::size_t i = 0; i < kOffers; ++i) {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    clients.emplace_back(ends[1]);
    f.a.handover->count_on_its_way(f.b.self);
    f.a.handover->offer(f.b.self, {.socket = UniqueFd{ends[0]}, .request = "GET"});
  }
  f.a.handover.reset();
  f.board().close_slot(f.a.self.slot);
  f.b.handover->on_worker_died();
  CHECK(f.b.boarded.size() == kOffers);
  f.run_until([&] {
    f.loop.run_once(false);
    return f.b.handover->in_flight() == 0;
  });
  CHECK(f.clients(f.b) == kOffers);
}

TEST_CASE("a stream whose worker died after the offer is the other's", "[handover]") {
  Fixture f;
  f.offer_estate_to_b();
  f.a.handover.reset();
  f.run_until([&] { return f.b.handover->in_flight() == 1; });
  f.board().close_slot(f.a.self.slot);
  f.b.handover->on_worker_died();
  REQUIRE(f.b.boarded.size() == 1);
  CHECK(f.b.boarded[0].estate);
}

TEST_CASE("a viewer whose worker died after the offer goes on with the other", "[handover]") {
  Fixture f;
  f.offer_viewer_to_b();
  f.a.handover.reset();
  f.run_until([&] { return f.b.handover->in_flight() == 1; });
  f.board().close_slot(f.a.self.slot);
  f.b.handover->on_worker_died();
  REQUIRE(f.b.boarded.size() == 1);
  REQUIRE(f.b.boarded[0].watching);
  CHECK(f.b.boarded[0].watching->cursor == kCursor);
}

TEST_CASE("a client that its sender took back is served once, though no cancel could be sent",
          "[handover]") {
  Fixture f;
  SECTION("a client before its answer") { f.offer_to_b(); }
  SECTION("a viewer") { f.offer_viewer_to_b(); }
  SECTION("a stream") { f.offer_estate_to_b(); }
  // b stands still, and nothing more fits into its inbox.
  f.b.handover.reset();
  while (send_to_inbox(f.host->inbox(f.b.self.slot), std::string(4000, 'x'), -1)) {
  }
  while (send_to_inbox(f.host->inbox(f.b.self.slot), "x", -1)) {
  }
  f.run_until([&] { return !f.a.boarded.empty(); });
  f.a.handover.reset();  // serves on for a while, then dies
  f.board().close_slot(f.a.self.slot);
  f.b.handover.emplace(f.loop, f.b.timers, *f.host, f.b.self, f.b);
  f.b.handover->on_worker_died();
  CHECK(f.b.boarded.empty());
  CHECK(f.clients(f.b) == 0);
  CHECK(f.b.handover->in_flight() == 0);
}

TEST_CASE("a client whose commit could not be told is served once its sender is dead",
          "[handover]") {
  Fixture f;
  f.offer_viewer_to_b();
  f.b.handover->on_worker_died();  // reads b's inbox: accepted
  while (send_to_inbox(f.host->inbox(f.b.self.slot), std::string(4000, 'x'), -1)) {
  }
  while (send_to_inbox(f.host->inbox(f.b.self.slot), "x", -1)) {
  }
  f.a.handover->on_worker_died();  // reads a's inbox: committed, and `go` has to wait
  f.a.handover.reset();
  f.board().close_slot(f.a.self.slot);
  f.b.handover->on_worker_died();
  CHECK(f.b.boarded.size() == 1);
  CHECK(f.a.boarded.empty());
  CHECK(f.clients(f.b) == 1);
}
