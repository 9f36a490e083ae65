#include "coordinator/host/engine_table.h"

#include <string>

#include <catch2/catch.hpp>

#include "coordinator/host/host_memory.h"

using namespace ace::host;
using namespace std::chrono_literals;
using ace::SteadyTime;
using ace::proto::StreamId;

namespace {

constexpr EngineTrouble kTrouble{.phase = "connect", .text = "refused", .at_ms = 42};

struct Host {
  Host() : memory{std::move(*HostMemory::create())} {
    self = memory->scoreboard().open_slot(0);
    memory->scoreboard().slots[0].phase = WorkerPhase::Serving;
  }
  EngineTable& table() { return memory->engines(); }
  [[nodiscard]] EngineHealth health(std::string_view id) {
    return table().state_of(id, now).health;
  }
  [[nodiscard]] EngineTier tier(const std::string& id) {
    std::vector<EngineBid> bids{{.id = id}};
    table().rate(bids, now, {});
    return bids.front().tier;
  }
  StreamId own(unsigned number) {
    auto digits = std::to_string(number);
    const auto id = *StreamId::parse(std::string(40 - digits.size(), '0') + digits);
    REQUIRE(memory->ownership().acquire(memory->scoreboard(), id, self));
    return id;
  }
  /// The id of the engine that the stream is given, "-" for none, "wait".
  std::string choose(const StreamId& stream, std::vector<EngineBid> bids,
                     std::chrono::milliseconds settle = {}) {
    const auto choice =
        table().choose(memory->ownership(), memory->scoreboard(), stream, self, bids, now, settle);
    if (choice.pick == EnginePick::Wait) return "wait";
    return choice.pick == EnginePick::None ? "-" : bids[choice.at].id;
  }

  std::unique_ptr<HostMemory> memory;
  WorkerRef self;
  SteadyTime now{1h};
};

}  // namespace

TEST_CASE("an engine that is drained is given nothing until that ends", "[engine_table]") {
  Host host;
  host.table().set_draining("e", true, host.now);
  CHECK(host.table().state_of("e", host.now).is_draining);
  CHECK(host.tier("e") == EngineTier::Excluded);
  CHECK(host.choose(host.own(1), {{.id = "e"}}) == "-");
  CHECK(host.choose(host.own(1), {{.id = "e"}, {.id = "f"}}) == "f");
  host.table().set_draining("e", false, host.now);
  CHECK(host.choose(host.own(1), {{.id = "e"}}) == "e");
}

TEST_CASE("what is drained is just what was named", "[engine_table]") {
  Host host;
  host.table().set_draining({"a", "b"}, host.now);
  host.table().set_draining({"b", "c"}, host.now);
  CHECK_FALSE(host.table().is_draining("a"));
  CHECK(host.table().is_draining("b"));
  CHECK(host.table().is_draining("c"));
  CHECK_FALSE(host.table().is_draining("d"));
}

TEST_CASE("three misses in a row make an engine unhealthy, two answers well", "[engine_table]") {
  Host host;
  CHECK(host.health("e") == EngineHealth::Unknown);
  CHECK(host.table().note_answer("e", {.version = "3.1.70"}, host.now));
  CHECK(host.health("e") == EngineHealth::Healthy);
  CHECK_FALSE(host.table().note_miss("e", kTrouble, host.now));
  CHECK_FALSE(host.table().note_miss("e", kTrouble, host.now));
  CHECK_FALSE(host.table().note_answer("e", {.version = "3.1.70"}, host.now));
  CHECK_FALSE(host.table().note_miss("e", kTrouble, host.now));
  CHECK_FALSE(host.table().note_miss("e", kTrouble, host.now));
  CHECK(host.tier("e") == EngineTier::Fit);
  CHECK(host.table().note_miss("e", kTrouble, host.now));
  CHECK_FALSE(host.table().note_miss("e", kTrouble, host.now));  // no news
  CHECK(host.tier("e") == EngineTier::Unhealthy);
  CHECK_FALSE(host.table().note_answer("e", {.version = "3.1.71"}, host.now));
  CHECK(host.health("e") == EngineHealth::Unhealthy);
  CHECK(host.table().note_answer("e", {.version = "3.1.71"}, host.now));
  CHECK(host.health("e") == EngineHealth::Healthy);
  const auto state = host.table().state_of("e", host.now);
  CHECK(state.version == "3.1.71");
  CHECK(state.error_phase == "connect");
  CHECK(state.error_text == "refused");
  CHECK(state.error_at_ms == 42);
}

TEST_CASE("sessions that fail make an engine sit out, three in a row unhealthy", "[engine_table]") {
  Host host;
  CHECK_FALSE(host.table().note_session_failure("e", kTrouble, host.now));
  CHECK(host.tier("e") == EngineTier::JustFailed);
  host.now += EngineTable::kSitOut;
  CHECK(host.tier("e") == EngineTier::Fit);
  host.table().note_session_failure("e", kTrouble, host.now);
  host.table().note_session_success("e", host.now);
  CHECK(host.tier("e") == EngineTier::Fit);
  host.table().note_session_failure("e", kTrouble, host.now);
  host.table().note_session_failure("e", kTrouble, host.now);
  CHECK(host.table().note_session_failure("e", kTrouble, host.now));
  host.now += 2 * EngineTable::kSitOut;
  CHECK(host.tier("e") == EngineTier::Unhealthy);
}

TEST_CASE("what is the stream's own fault is only shown", "[engine_table]") {
  Host host;
  for (int i = 0; i < 5; ++i) host.table().note_trouble("e", kTrouble, host.now);
  CHECK(host.tier("e") == EngineTier::Fit);
  CHECK(host.table().state_of("e", host.now).error_text == "refused");
}

TEST_CASE("who chooses is counted at once, and gone with its owner", "[engine_table]") {
  Host host;
  const std::vector<EngineBid> bids{{.id = "a"}, {.id = "b", .is_forwarded = true}, {.id = "c"}};
  std::string chosen;
  for (unsigned i = 1; i <= 6; ++i) chosen += host.choose(host.own(i), bids);
  CHECK(chosen == "bacbac");
  CHECK(host.choose(host.own(1), bids) == "b");  // its own stream does not count against it
  host.memory->ownership().release(host.memory->scoreboard(), host.own(2), host.self);
  CHECK(host.choose(host.own(7), bids) == "a");
  host.memory->scoreboard().close_slot(0);
  host.self = host.memory->scoreboard().open_slot(1);
  CHECK(host.choose(host.own(8), bids) == "b");
}

TEST_CASE("full engines are no choice", "[engine_table]") {
  Host host;
  const std::vector<EngineBid> bids{{.id = "a", .max_streams = 1}, {.id = "b", .max_streams = 1}};
  CHECK(host.choose(host.own(1), bids) == "a");
  CHECK(host.choose(host.own(2), bids) == "b");
  CHECK(host.choose(host.own(3), bids) == "-");
}

TEST_CASE("between two starts an engine settles", "[engine_table]") {
  Host host;
  const std::vector<EngineBid> bids{{.id = "a"}, {.id = "b"}};
  CHECK(host.choose(host.own(1), bids, 5s) == "a");
  CHECK(host.choose(host.own(2), bids, 5s) == "b");
  CHECK(host.choose(host.own(3), bids, 5s) == "wait");
  host.now += 5s;
  CHECK(host.choose(host.own(3), bids, 5s) == "a");
}

TEST_CASE("of more engines than there is room for the longest unheard of is forgotten",
          "[engine_table]") {
  Host host;
  for (std::size_t i = 0; i <= EngineTable::kMaxEngines; ++i) {
    host.now += 1s;
    host.table().note_answer(std::to_string(i), {.version = "v"}, host.now);
  }
  CHECK(host.health("0") == EngineHealth::Unknown);
  CHECK(host.health("1") == EngineHealth::Healthy);
  CHECK(host.health(std::to_string(EngineTable::kMaxEngines)) == EngineHealth::Healthy);
}

TEST_CASE("who answered at an engine's address is known until nobody does", "[engine_table]") {
  Host host;
  host.table().note_answer("e", {.version = "3", .endpoint = "10.0.0.1:6878", .device = "d"},
                           host.now);
  CHECK(host.table().state_of("e", host.now).endpoint == "10.0.0.1:6878");
  CHECK(host.table().state_of("e", host.now).device == "d");
  for (int i = 0; i < 3; ++i) host.table().note_miss("e", {}, host.now);
  CHECK(host.table().state_of("e", host.now).endpoint.empty());
}

TEST_CASE("an engine is drained by each of its names", "[engine_table]") {
  Host host;
  host.table().set_draining("b", true, host.now);
  std::vector<EngineBid> bids{{.id = "a", .other_names = {"b"}}, {.id = "c"}};
  host.table().rate(bids, host.now, std::chrono::milliseconds{0});
  CHECK(bids[0].tier == ace::host::EngineTier::Excluded);
  CHECK(bids[1].tier == ace::host::EngineTier::Fit);
}

TEST_CASE("streams under each name of an engine are its load", "[engine_table]") {
  Host host;
  CHECK(host.choose(host.own(1), {{.id = "b"}}) == "b");
  CHECK(host.choose(host.own(2), {{.id = "a", .other_names = {"b"}, .max_streams = 1}}) == "-");
  CHECK(host.choose(host.own(2), {{.id = "a", .other_names = {"b"}, .max_streams = 2}}) == "a");
}
