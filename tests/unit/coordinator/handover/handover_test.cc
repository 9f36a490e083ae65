#include "coordinator/handover/handover.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using namespace ace::host;
using ace::UniqueFd;
using ace::handover::Handover;
using ace::handover::Passenger;
using ace::loop::Loop;
using ace::loop::UvTimerFactory;
using ace::proto::StreamId;

namespace {

const StreamId kStream = *StreamId::parse(std::string(40, 'a'));
const ace::proto::ChunkCursor kCursor{.epoch = {5}, .index = {77}};

/// One worker's end: remembers who boarded.
struct Station final : Handover::Listener {
  Station(Loop& loop, HostMemory& host, std::uint32_t slot)
      : timers{loop}, self{host.scoreboard().open_slot(slot)} {
    host.scoreboard().slots[slot].phase = WorkerPhase::Serving;
    handover.emplace(loop, timers, host, self, *this);
  }
  void on_passenger(Passenger passenger) override { boarded.push_back(std::move(passenger)); }
  bool may_board(const ace::handover::Watching&) override { return takes_viewers; }
  bool on_estate_accepted(const ace::handover::Estate& estate, WorkerRef heir) override {
    given.emplace_back(estate.stream, heir);
    return gives;
  }

  UvTimerFactory timers;
  WorkerRef self;
  std::optional<Handover> handover;
  std::vector<Passenger> boarded;
  std::vector<std::pair<StreamId, WorkerRef>> given;
  bool takes_viewers{true};
  bool gives{true};
};

struct Fixture {
  Fixture() : host{std::move(*HostMemory::create())}, a{loop, *host, 0}, b{loop, *host, 1} {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) == 0);
    server_side = UniqueFd{ends[0]};
    client_side = UniqueFd{ends[1]};
  }

  /// As the HTTP layer does: placed first (b owns the stream), then offered.
  void offer_to_b() {
    REQUIRE(host->ownership().acquire(board(), kStream, b.self));
    const auto placed = host->ownership().place(board(), kStream, a.self, true);
    REQUIRE(placed->worker == b.self);
    a.handover->offer(
        b.self, {.socket = std::move(server_side), .peer = "peer", .request = "GET", .hops = 0});
  }
  /// As a follower does without Redis: its own viewer, counted as on its way.
  void offer_viewer_to_b() {
    a.handover->count_on_its_way(b.self);
    Passenger viewer{.socket = std::move(server_side), .peer = "peer", .request = {}, .hops = 0};
    viewer.watching = ace::handover::Watching{.stream = kStream,
                                              .cursor = kCursor,
                                              .framing = {},
                                              .client = {"c1"},
                                              .agent = {},
                                              .connected_at = {}};
    a.handover->offer(b.self, std::move(viewer));
  }
  void offer_estate_to_b() {
    auto estate = std::make_shared<ace::handover::Estate>();
    estate->stream = kStream;
    estate->index = {77};
    estate->unread = "half a packet";
    a.handover->offer(b.self, {.socket = std::move(server_side), .estate = std::move(estate)});
  }
  template <class Done>
  void run_until(Done done) {
    bool is_late = false;
    auto deadline = a.timers.make();
    deadline->once(5s, [&] { is_late = true; });
    while (!done() && !is_late) loop.run_once(true);
    REQUIRE_FALSE(is_late);
  }
  Scoreboard& board() { return host->scoreboard(); }
  std::uint32_t clients(const Station& at) { return board().slots[at.self.slot].clients; }
  std::uint32_t on_their_way() { return board().slots[a.self.slot].placing[b.self.slot]; }

  std::unique_ptr<HostMemory> host;
  Loop loop;
  Station a;
  Station b;
  UniqueFd server_side;
  UniqueFd client_side;
};

}  // namespace

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

TEST_CASE("a draining worker refuses", "[handover]") {
  Fixture f;
  f.board().slots[f.b.self.slot].phase = WorkerPhase::Draining;
  f.offer_to_b();
  f.run_until([&] { return !f.a.boarded.empty(); });
  CHECK(f.b.boarded.empty());
  CHECK(f.clients(f.b) == 0);
}

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
