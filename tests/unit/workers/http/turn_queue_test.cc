#include "workers/http/turn_queue.h"

#include <functional>
#include <string>

#include <catch2/catch.hpp>

#include "tests/support/clock/manual_clock.h"

using namespace std::chrono_literals;
using ace::http::TurnQueue;
using ace::test::ManualClock;

namespace {

struct Fixture {
  class Guest final : public TurnQueue::Guest {
   public:
    Guest(Fixture& fixture, char name) : fixture_{fixture}, name_{name} {}
    void on_turn() override {
      fixture_.order += name_;
      fixture_.clock.advance(fixture_.takes);
      if (wants_more) fixture_.queue.wait(*this, TurnQueue::Kind::More);
    }
    bool wants_more{};

   private:
    Fixture& fixture_;
    char name_;
  };

  ManualClock clock;
  ace::loop::Loop loop;
  TurnQueue queue{loop, clock};
  std::string order;
  std::chrono::milliseconds takes{0};
};

using Kind = TurnQueue::Kind;

}  // namespace

TEST_CASE("guests have their turns in order, fresh ones first", "[turn_queue]") {
  Fixture f;
  Fixture::Guest a{f, 'a'}, b{f, 'b'}, c{f, 'c'};
  f.queue.wait(a, Kind::More);
  f.queue.wait(b, Kind::Fresh);
  f.queue.wait(c, Kind::Fresh);
  CHECK(f.order.empty());
  f.loop.run_once(false);
  CHECK(f.order == "bca");
}

TEST_CASE("a round of turns ends when its time is up, and the next turn goes on", "[turn_queue]") {
  Fixture f;
  f.takes = 3ms;
  Fixture::Guest a{f, 'a'}, b{f, 'b'}, c{f, 'c'};
  f.queue.wait(a, Kind::Fresh);
  f.queue.wait(b, Kind::Fresh);
  f.queue.wait(c, Kind::Fresh);
  f.loop.run_once(false);
  CHECK(f.order == "ab");
  f.loop.run_once(true);  // does not wait, for somebody does
  CHECK(f.order == "abc");
}

TEST_CASE("who always wants more has one turn a round", "[turn_queue]") {
  Fixture f;
  Fixture::Guest a{f, 'a'}, b{f, 'b'};
  a.wants_more = true;
  f.queue.wait(a, Kind::More);
  f.loop.run_once(false);
  f.loop.run_once(false);
  CHECK(f.order == "aa");
  f.queue.wait(b, Kind::Fresh);
  f.loop.run_once(false);
  CHECK(f.order == "aaba");
  f.queue.leave(a);
}

TEST_CASE("fresh guests do not keep the others out", "[turn_queue]") {
  Fixture f;
  f.takes = 6ms;  // one turn a round
  Fixture::Guest slow{f, 's'}, fresh{f, 'f'};
  f.queue.wait(slow, Kind::More);
  for (int i = 0; i < 20 && f.order.find('s') == std::string::npos; ++i) {
    f.queue.wait(fresh, Kind::Fresh);
    f.loop.run_once(false);
  }
  CHECK(f.order == std::string(TurnQueue::kFreshFirst, 'f') + 's');
  f.queue.leave(fresh);
}

TEST_CASE("who has left has no turn", "[turn_queue]") {
  Fixture f;
  Fixture::Guest a{f, 'a'}, b{f, 'b'};
  f.queue.wait(a, Kind::Fresh);
  f.queue.wait(b, Kind::Fresh);
  f.queue.leave(a);
  f.loop.run_once(false);
  CHECK(f.order == "b");
}
