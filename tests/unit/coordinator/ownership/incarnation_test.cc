#include "coordinator/ownership/incarnation.h"

#include <optional>

#include <catch2/catch.hpp>

#include "proto/redis/redis_scripts.h"
#include "tests/unit/coordinator/ownership/fake_commands.h"
#include "tests/unit/coordinator/ownership/fake_time.h"

using namespace ace;
using namespace std::chrono_literals;
using ownership::Incarnation;
using test::text;

namespace {

struct Bench {
  /// What a claimant is told when Redis answers `reply`.
  std::optional<bool> ask(Result<redis::Reply> reply) {
    std::optional<bool> told;
    incarnation.ask([&told](bool may_claim) { told = may_claim; });
    CHECK_FALSE(told.has_value());
    commands.answer(proto::kIncarnationScript, std::move(reply));
    return told;
  }

  test::ManualClock clock;
  test::FakeTimers timers{clock};
  test::FakeCommands commands;
  Incarnation incarnation{commands, timers, clock, {}};
};

}  // namespace

TEST_CASE("who meets Redis for the first time may claim at once", "[incarnation]") {
  Bench b;
  CHECK(b.ask(text("one")) == true);
  CHECK(b.ask(text("one")) == true);
}

TEST_CASE("after Redis has forgotten, owners come first for three seconds", "[incarnation]") {
  Bench b;
  CHECK(b.ask(text("one")) == true);
  CHECK(b.ask(text("two")) == false);
  b.clock.set(b.clock.now() + 2999ms);
  CHECK(b.ask(text("two")) == false);
  b.clock.set(b.clock.now() + 1ms);
  CHECK(b.ask(text("two")) == true);
}

TEST_CASE("a second loss begins a second wait", "[incarnation]") {
  Bench b;
  CHECK(b.ask(text("one")) == true);
  CHECK(b.ask(text("two")) == false);
  b.clock.set(b.clock.now() + 2s);
  CHECK(b.ask(text("three")) == false);
  b.clock.set(b.clock.now() + 2s);
  CHECK(b.ask(text("three")) == false);
}

TEST_CASE("a Redis that does not answer forbids nothing and is no new one", "[incarnation]") {
  Bench b;
  CHECK(b.ask(text("one")) == true);
  CHECK(b.ask(fail(Errc::Timeout, "no answer")) == true);
  CHECK(b.ask(test::array({})) == true);
  CHECK(b.ask(text("one")) == true);
}

TEST_CASE("it is renewed all the time, and each worker offers a text of its own", "[incarnation]") {
  Bench b;
  b.timers.advance(4s);
  REQUIRE(b.commands.pending() == 2);
  const auto first = b.commands.answer(proto::kIncarnationScript, text("one"));
  const auto second = b.commands.answer(proto::kIncarnationScript, text("one"));
  CHECK(first.args.at(0) != second.args.at(0));
  CHECK(first.args.at(1) == "60000");
}

TEST_CASE("an answer that comes when nobody listens any more is dropped", "[incarnation]") {
  test::ManualClock clock;
  test::FakeTimers timers{clock};
  test::FakeCommands commands;
  bool was_told = false;
  {
    Incarnation incarnation{commands, timers, clock, {}};
    incarnation.ask([&was_told](bool) { was_told = true; });
  }
  commands.answer(proto::kIncarnationScript, text("one"));
  CHECK_FALSE(was_told);
}
