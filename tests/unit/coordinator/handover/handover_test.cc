#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "tests/unit/coordinator/handover/handover_fixture.h"

using namespace ace::test;
using namespace ace::host;
using namespace std::chrono_literals;

TEST_CASE("a client is handed on with its request and counted once", "[handover]") {
  Fixture f;
  f.offer_to_b();
  CHECK(f.on_their_way() == 1);
  f.run_until([&] { return !f.b.boarded.empty() && f.a.handover->in_flight() == 0; });
  CHECK(f.b.boarded[0].request == "GET");
  CHECK(f.b.boarded[0].peer == "peer");
  CHECK(f.b.boarded[0].hops == 1);
  CHECK(f.on_their_way() == 0);
  CHECK(f.clients(f.b) == 1);
  REQUIRE(::write(f.b.boarded[0].socket.get(), "x", 1) == 1);
  char byte{};
  CHECK(::read(f.client_side.get(), &byte, 1) == 1);
  f.b.boarded.clear();
  CHECK(::read(f.client_side.get(), &byte, 1) == 0);  // the sender kept no copy open
}

TEST_CASE("an accepted client is counted once before its sender knows", "[handover]") {
  Fixture f;
  f.offer_to_b();
  f.b.handover->on_worker_died();  // reads b's inbox, not a's
  CHECK(f.clients(f.b) == 1);
  CHECK(f.on_their_way() == 0);
}

TEST_CASE("a worker that does not answer gets no client: the sender serves it", "[handover]") {
  Fixture f;
  f.b.handover.reset();  // alive, but its loop stands still
  f.offer_to_b();
  f.run_until([&] { return !f.a.boarded.empty(); });
  CHECK(f.a.boarded[0].socket);
  CHECK(f.a.boarded[0].request == "GET");
  CHECK(f.a.boarded[0].hops == 1);
  CHECK(f.on_their_way() == 0);
  CHECK(f.clients(f.a) == 1);

  // When it wakes up it finds the offer and its cancellation, and writes nothing to the client.
  f.b.handover.emplace(f.loop, f.b.timers, *f.host, f.b.self, f.b);
  f.b.handover->on_worker_died();  // reads the whole inbox now
  CHECK(f.b.handover->in_flight() == 0);
  CHECK(f.b.boarded.empty());
  CHECK(f.clients(f.b) == 0);
}

TEST_CASE("a descriptor that is no socket is refused", "[handover]") {
  Fixture f;
  f.server_side.reset(::open("/dev/null", O_RDWR | O_CLOEXEC));
  f.offer_to_b();
  f.run_until([&] { return !f.a.boarded.empty(); });
  CHECK(f.b.boarded.empty());
  CHECK(f.clients(f.b) == 0);
}

TEST_CASE("a draining worker refuses", "[handover]") {
  Fixture f;
  f.board().slots[f.b.self.slot].phase = WorkerPhase::Draining;
  f.offer_to_b();
  f.run_until([&] { return !f.a.boarded.empty(); });
  CHECK(f.b.boarded.empty());
  CHECK(f.clients(f.b) == 0);
}

TEST_CASE("a worker that hangs holds up nobody else's answers", "[handover]") {
  Fixture f;
  // A third worker that never reads: its inbox is full to the brim.
  const auto hung = f.board().open_slot(2);
  f.board().slots[hung.slot].phase = WorkerPhase::Serving;
  while (send_to_inbox(f.host->inbox(hung.slot), std::string(4000, 'x'), -1)) {
  }
  while (send_to_inbox(f.host->inbox(hung.slot), "x", -1)) {
  }
  // b owes the hung worker a refusal, and that cannot be sent.
  const auto stray = ace::handover::encode({.step = ace::handover::Step::Offer,
                                            .from = hung,
                                            .to = {.slot = f.b.self.slot, .generation = 99},
                                            .transfer = 1});
  REQUIRE(send_to_inbox(f.host->inbox(f.b.self.slot), stray, -1));
  f.offer_to_b();
  f.run_until([&] { return !f.b.boarded.empty(); });
  CHECK(f.a.boarded.empty());
}

TEST_CASE("a viewer is handed on with its place in the stream", "[handover]") {
  Fixture f;
  f.offer_viewer_to_b();
  CHECK(f.on_their_way() == 1);
  f.run_until([&] { return !f.b.boarded.empty() && f.a.handover->in_flight() == 0; });
  REQUIRE(f.b.boarded[0].watching);
  CHECK(f.b.boarded[0].watching->cursor == kCursor);
  CHECK(f.b.boarded[0].watching->client.value == "c1");
  CHECK(f.a.boarded.empty());
  CHECK(f.on_their_way() == 0);
  CHECK(f.clients(f.b) == 1);
}

TEST_CASE("a viewer that is not taken comes back with its place and its connection", "[handover]") {
  Fixture f;
  SECTION("refused") { f.board().slots[f.b.self.slot].phase = WorkerPhase::Draining; }
  SECTION("the receiver hangs") { f.b.handover.reset(); }
  f.offer_viewer_to_b();
  SECTION("the receiver dies") {
    f.board().close_slot(f.b.self.slot);
    f.a.handover->on_worker_died();
  }
  f.run_until([&] { return !f.a.boarded.empty(); });
  REQUIRE(f.a.boarded[0].watching);
  CHECK(f.a.boarded[0].watching->cursor == kCursor);
  CHECK(::write(f.a.boarded[0].socket.get(), "x", 1) == 1);
  CHECK(f.b.boarded.empty());
  CHECK(f.clients(f.a) == 1);
  CHECK(f.on_their_way() == 0);
}

TEST_CASE("what a viewer is owed goes along, however much it is", "[handover]") {
  Fixture f;
  f.a.handover->count_on_its_way(f.b.self);
  Passenger viewer{.socket = std::move(f.server_side)};
  viewer.watching = ace::handover::Watching{.stream = kStream,
                                            .cursor = kCursor,
                                            .framing = {},
                                            .client = {"c1"},
                                            .agent = {},
                                            .connected_at = {},
                                            .has_missed = true,
                                            .hold = 30s,
                                            .owed = std::string(400'000, 'o')};
  viewer.hops = 3;  // it was refused before
  f.a.handover->offer(f.b.self, std::move(viewer));
  f.run_until([&] { return !f.b.boarded.empty() && f.a.handover->in_flight() == 0; });
  const auto& watching = f.b.boarded[0].watching;
  REQUIRE(watching);
  CHECK(watching->owed == std::string(400'000, 'o'));
  CHECK(watching->has_missed);
  CHECK(watching->hold == 30s);
  CHECK(f.b.boarded[0].hops == 0);
}

TEST_CASE("a viewer that would miss something comes back", "[handover]") {
  Fixture f;
  f.b.takes_viewers = false;
  f.offer_viewer_to_b();
  f.run_until([&] { return !f.a.boarded.empty(); });
  CHECK(f.a.boarded[0].hops == 1);
  CHECK(f.clients(f.b) == 0);
  CHECK(f.clients(f.a) == 1);

  // Offered again and again, its refusals never begin anew.
  f.a.boarded[0].hops = 255;
  f.a.handover->count_on_its_way(f.b.self);
  f.a.handover->offer(f.b.self, std::move(f.a.boarded[0]));
  f.run_until([&] { return f.a.boarded.size() == 2; });
  CHECK(f.a.boarded[1].hops == 255);
}

TEST_CASE("a stream passes on with its engine's socket, and counts as nobody's client",
          "[handover]") {
  Fixture f;
  f.offer_estate_to_b();
  f.run_until([&] { return !f.b.boarded.empty() && f.a.handover->in_flight() == 0; });
  REQUIRE(f.a.given.size() == 1);
  CHECK(f.a.given[0].first == kStream);
  CHECK(f.a.given[0].second == f.b.self);
  REQUIRE(f.b.boarded[0].estate);
  CHECK(f.b.boarded[0].estate->index.value == 77);
  CHECK(f.b.boarded[0].estate->unread == "half a packet");
  CHECK(f.clients(f.a) == 0);
  CHECK(f.clients(f.b) == 0);
  f.b.boarded.clear();
  char byte{};
  CHECK(::read(f.client_side.get(), &byte, 1) == 0);  // the sender kept no copy open
}

TEST_CASE("a stream that cannot be given after all stays where it was", "[handover]") {
  Fixture f;
  f.a.gives = false;
  f.offer_estate_to_b();
  f.run_until([&] { return !f.a.given.empty(); });
  f.run_until([&] { return f.b.handover->in_flight() == 0; });
  REQUIRE(f.a.boarded.size() == 1);
  CHECK(f.a.boarded[0].estate);
  CHECK(f.a.boarded[0].socket);
  CHECK(f.b.boarded.empty());
  CHECK(f.clients(f.a) == 0);
  CHECK(f.clients(f.b) == 0);
}

TEST_CASE("a stream that is not taken comes back with its engine's socket", "[handover]") {
  Fixture f;
  SECTION("refused") { f.board().slots[f.b.self.slot].phase = WorkerPhase::Draining; }
  SECTION("the receiver hangs") { f.b.handover.reset(); }
  f.offer_estate_to_b();
  SECTION("the receiver dies") {
    f.board().close_slot(f.b.self.slot);
    f.a.handover->on_worker_died();
  }
  f.run_until([&] { return !f.a.boarded.empty(); });
  REQUIRE(f.a.boarded[0].estate);
  CHECK(f.a.boarded[0].estate->stream == kStream);
  CHECK(f.a.given.empty());
  CHECK(::write(f.a.boarded[0].socket.get(), "x", 1) == 1);
  CHECK(f.clients(f.a) == 0);
}

TEST_CASE("an offer of another version is refused in that version", "[handover]") {
  Fixture f;
  auto bytes = ace::handover::encode({.version = 9,
                                      .step = ace::handover::Step::Offer,
                                      .from = f.a.self,
                                      .to = f.b.self,
                                      .transfer = 5});
  bytes += "what nobody here can read";
  f.a.handover.reset();  // its inbox is read here
  REQUIRE(send_to_inbox(f.host->inbox(f.b.self.slot), bytes, f.server_side.get()));
  std::optional<InboxMessage> answer;
  f.run_until([&] {
    f.loop.run_once(false);
    answer = *receive_from_inbox(f.host->inbox(f.a.self.slot));
    return answer.has_value();
  });
  const auto refusal = ace::handover::decode(answer->bytes);
  REQUIRE(refusal);
  CHECK(refusal->version == 9);
  CHECK(refusal->step == ace::handover::Step::Refused);
  CHECK(refusal->transfer == 5);
  CHECK(f.b.boarded.empty());
}

TEST_CASE("an answer that is late finds the client gone on with the receiver", "[handover]") {
  Fixture f;
  f.offer_viewer_to_b();
  f.b.handover->on_worker_died();  // reads b's inbox: accepted
  // a has been busy: its patience is over before it reads the answer.
  f.a.timers.advance(Handover::kPatience);
  CHECK(f.a.boarded.empty());
  f.run_until([&] { return f.b.boarded.size() == 1 && f.a.handover->in_flight() == 0; });
  CHECK(f.a.boarded.empty());
  CHECK(f.clients(f.b) == 1);
}

TEST_CASE("a worker that stands still is offered a bounded number of viewers", "[handover]") {
  Fixture f;
  CHECK(f.a.handover->room(f.b.self) == Handover::kMostUnanswered);
  f.offer_viewer_to_b();
  CHECK(f.a.handover->room(f.b.self) == Handover::kMostUnanswered - 1);
  f.run_until([&] { return f.a.handover->in_flight() == 0; });
  CHECK(f.a.handover->room(f.b.self) == Handover::kMostUnanswered);
}

TEST_CASE("an offer for which the board has no entry left comes back", "[handover]") {
  Fixture f;
  while (f.host->transfers().begin(f.board(), f.a.self.slot, f.b.self)) {
  }
  f.offer_viewer_to_b();
  f.run_until([&] { return !f.a.boarded.empty(); });
  CHECK(f.clients(f.a) == 1);
  CHECK(f.on_their_way() == 0);
}
