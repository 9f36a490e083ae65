#include "coordinator/ownership/worker_presence.h"

#include <catch2/catch.hpp>

#include "proto/redis/redis_scripts.h"
#include "tests/unit/coordinator/ownership/fake_commands.h"
#include "tests/unit/coordinator/ownership/fake_time.h"

using namespace ace;
using namespace std::chrono_literals;
using ownership::WorkerPresence;
using test::array;
using test::integer;
using test::text;

namespace {

redis::Reply written(bool was_there) { return array({integer(1), integer(was_there ? 1 : 0)}); }
redis::Reply rival(const std::string& name) { return array({integer(0), text(name)}); }

struct Bench final : WorkerPresence::Listener {
  void on_presence_settled() override { ++settled; }
  void on_id_taken() override { ++taken; }
  void on_presence_lost() override { ++lost; }
  [[nodiscard]] proto::Fields presence_figures() const override { return {{"clients", "7"}}; }

  test::FakeCommands::Call answer(Result<redis::Reply> reply) {
    return commands.answer(proto::kPresenceScript, std::move(reply));
  }

  int settled{};
  int taken{};
  int lost{};
  test::ManualClock clock;
  test::FakeTimers timers{clock};
  test::FakeCommands commands;
  WorkerPresence presence{{"tv:7"}, commands, timers, clock, {}, *this};
};

}  // namespace

TEST_CASE("a worker is there with its first word, and renews it", "[presence]") {
  Bench b;
  b.presence.on_redis_up();
  const auto first = b.answer(written(false));
  CHECK(b.settled == 1);
  CHECK(first.keys == std::vector<std::string>{"ace_proxy:worker:tv:7", "ace_proxy:workers"});
  CHECK(first.args.at(0).size() == 16);
  CHECK(first.args.at(1) == "6000");
  CHECK(first.args.at(2).empty());
  CHECK(first.args.at(3) == "tv:7");
  CHECK(first.args.at(5) == "7");
  b.timers.advance(2s);
  CHECK(b.answer(written(true)).args == first.args);
  CHECK(b.settled == 1);
  CHECK(b.lost == 0);
}

TEST_CASE("a key that was gone tells that others took this worker for dead", "[presence]") {
  Bench b;
  b.presence.on_redis_up();
  b.answer(written(false));
  b.timers.advance(2s);
  b.answer(written(false));
  CHECK(b.lost == 1);
  // When Redis comes back, everything is told anew anyway.
  b.presence.on_redis_up();
  b.answer(written(false));
  CHECK(b.lost == 1);
}

TEST_CASE("a stranger's key that is renewed is of a living process", "[presence]") {
  Bench b;
  b.presence.on_redis_up();
  b.answer(rival("else/41"));
  CHECK(b.presence.is_in_doubt());
  b.timers.advance(1s);
  b.answer(rival("else/41"));
  CHECK(b.taken == 0);
  b.timers.advance(1s);
  b.answer(rival("else/42"));
  CHECK(b.taken == 1);
  CHECK(b.settled == 0);
  b.timers.advance(1min);
  CHECK(b.commands.pending() == 0);
}

TEST_CASE("a stranger's key that is not renewed is taken over", "[presence]") {
  Bench b;
  b.presence.on_redis_up();
  b.answer(rival("else/41"));
  for (int i = 0; i < 4; ++i) {
    b.timers.advance(1s);
    CHECK(b.answer(rival("else/41")).args.at(2).empty());
  }
  CHECK(b.settled == 0);
  b.timers.advance(1s);
  CHECK(b.answer(written(false)).args.at(2) == "else/41");
  CHECK_FALSE(b.presence.is_in_doubt());
  CHECK(b.settled == 1);
  CHECK(b.lost == 0);
  b.timers.advance(2s);
  CHECK(b.answer(written(true)).args.at(2).empty());
  CHECK(b.commands.pending() == 0);
}

TEST_CASE("a stranger's key that runs out leaves the id to this worker", "[presence]") {
  Bench b;
  b.presence.on_redis_up();
  b.answer(rival("else/41"));
  b.timers.advance(1s);
  b.answer(written(false));
  CHECK(b.settled == 1);
}

TEST_CASE("who finds its own key in a living stranger's hand gives way", "[presence]") {
  Bench b;
  b.presence.on_redis_up();
  b.answer(written(false));
  b.timers.advance(2s);
  b.answer(rival("else/1"));
  b.timers.advance(1s);
  b.answer(rival("else/2"));
  CHECK(b.taken == 1);
}

TEST_CASE("a Redis that fails delays nothing and ends no doubt", "[presence]") {
  Bench b;
  b.presence.on_redis_up();
  b.answer(fail(Errc::Timeout, "no answer"));
  CHECK(b.settled == 1);
  b.commands.set_up(false);
  b.timers.advance(10s);
  CHECK(b.commands.pending() == 0);

  Bench doubting;
  doubting.presence.on_redis_up();
  doubting.answer(rival("else/41"));
  doubting.timers.advance(1s);
  doubting.answer(fail(Errc::Timeout, "no answer"));
  CHECK(doubting.settled == 0);
  CHECK(doubting.presence.is_in_doubt());
}

TEST_CASE("a worker that ends takes its key with it and says no more", "[presence]") {
  Bench b;
  b.presence.on_redis_up();
  const auto told = b.answer(written(false));
  bool has_left = false;
  b.presence.leave([&has_left] { has_left = true; });
  CHECK_FALSE(has_left);
  const auto left = b.commands.answer(proto::kAbsenceScript, integer(1));
  CHECK(has_left);
  CHECK(left.keys == std::vector<std::string>{"ace_proxy:worker:tv:7", "ace_proxy:workers",
                                              "ace_proxy:incarnation"});
  CHECK(left.args == std::vector<std::string>{told.args.at(0), "tv:7"});
  b.timers.advance(1min);
  CHECK(b.commands.pending() == 0);
}

TEST_CASE("a dead worker's key is deleted, never one's own", "[presence]") {
  Bench b;
  b.presence.bury({"tv:7"});
  CHECK(b.commands.pending() == 0);
  b.presence.bury({"tv:8"});
  CHECK(b.commands.take("").args == std::vector<std::string>{"UNLINK", "ace_proxy:worker:tv:8"});
  CHECK(b.commands.take("").args == std::vector<std::string>{"ZREM", "ace_proxy:workers", "tv:8"});
}
