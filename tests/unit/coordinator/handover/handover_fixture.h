#pragma once

#include <sys/socket.h>

#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "coordinator/handover/handover.h"
#include "tests/support/clock/fake_timers.h"

namespace ace::test {

using handover::Handover;
using handover::Passenger;

inline const auto kStream = *proto::StreamId::parse(std::string(40, 'a'));
inline const proto::ChunkCursor kCursor{.epoch = {5}, .index = {77}};

/// One worker's end: remembers who boarded.
struct Station final : Handover::Listener {
  Station(loop::Loop& loop, host::HostMemory& host, std::uint32_t slot)
      : loop_timers{loop}, self{host.scoreboard().open_slot(slot)} {
    pulse->every(kPulse, [this] { timers.advance(kPulse); });
    host.scoreboard().slots[slot].phase = host::WorkerPhase::Serving;
    handover.emplace(loop, timers, host, self, *this);
  }
  void on_passenger(Passenger passenger) override { boarded.push_back(std::move(passenger)); }
  bool may_board(const handover::Watching&) override { return takes_viewers; }
  bool on_estate_accepted(const handover::Estate& estate, host::WorkerRef heir) override {
    given.emplace_back(estate.stream, heir);
    return gives;
  }

  static constexpr std::chrono::milliseconds kPulse{50};

  loop::UvTimerFactory loop_timers;
  /// Patience goes on with the loop's turns: a pause of this process is none of either worker.
  ManualClock clock;
  FakeTimers timers{clock};
  std::unique_ptr<loop::Timer> pulse{loop_timers.make()};
  host::WorkerRef self;
  std::optional<Handover> handover;
  std::vector<Passenger> boarded;
  std::vector<std::pair<proto::StreamId, host::WorkerRef>> given;
  bool takes_viewers{true};
  bool gives{true};
};

struct Fixture {
  Fixture() : host{std::move(*host::HostMemory::create())}, a{loop, *host, 0}, b{loop, *host, 1} {
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
    viewer.watching = handover::Watching{.stream = kStream,
                                         .cursor = kCursor,
                                         .framing = {},
                                         .client = {"c1"},
                                         .agent = {},
                                         .connected_at = {}};
    a.handover->offer(b.self, std::move(viewer));
  }
  void offer_estate_to_b() {
    auto estate = std::make_shared<handover::Estate>();
    estate->stream = kStream;
    estate->index = {77};
    estate->unread = "half a packet";
    a.handover->offer(b.self, {.socket = std::move(server_side), .estate = std::move(estate)});
  }
  template <class Done>
  void run_until(Done done) {
    bool is_late = false;
    auto deadline = a.loop_timers.make();
    deadline->once(std::chrono::seconds{20}, [&] { is_late = true; });
    while (!done() && !is_late) loop.run_once(true);
    REQUIRE_FALSE(is_late);
  }
  host::Scoreboard& board() { return host->scoreboard(); }
  std::uint32_t clients(const Station& at) { return board().slots[at.self.slot].clients; }
  std::uint32_t on_their_way() { return board().slots[a.self.slot].placing[b.self.slot]; }

  std::unique_ptr<host::HostMemory> host;
  loop::Loop loop;
  Station a;
  Station b;
  UniqueFd server_side;
  UniqueFd client_side;
};

}  // namespace ace::test
