#include "workers/metrics/timed_commands.h"

#include <utility>

#include <catch2/catch.hpp>

#include "tests/support/clock/manual_clock.h"

using namespace std::chrono_literals;
using ace::Errc;
using ace::Result;
using ace::redis::Reply;

namespace {

/// Answers when told.
class SlowRedis final : public ace::redis::Commands {
 public:
  void command(std::vector<std::string>, ace::redis::ReplyCallback callback) override {
    waiting = std::move(callback);
  }
  void eval(const ace::redis::Script&, const std::vector<std::string>&,
            const std::vector<std::string>&, ace::redis::ReplyCallback callback) override {
    waiting = std::move(callback);
  }
  [[nodiscard]] bool is_up() const override { return true; }

  ace::redis::ReplyCallback waiting;
};

}  // namespace

TEST_CASE("what Redis answers is timed, what it does not is not", "[metrics]") {
  ace::test::ManualClock clock;
  SlowRedis redis;
  ace::host::SharedHistogram times;
  ace::metrics::TimedCommands commands{redis, clock, times};
  int answers = 0;
  const auto told = [&](const Result<Reply>&) { ++answers; };

  commands.command({"PING"}, told);
  clock.advance(3ms);
  redis.waiting(Reply{});
  commands.eval(ace::redis::Script{"return 1"}, {}, {}, told);
  clock.advance(7ms);
  redis.waiting(ace::fail(Errc::Refused, "OOM"));
  for (const auto code : {Errc::Timeout, Errc::Closed, Errc::Unavailable}) {
    commands.command({"PING"}, told);
    clock.advance(2s);
    redis.waiting(ace::fail(code, "gone"));
  }
  CHECK(answers == 5);
  CHECK(times.read().count() == 2);
  CHECK(times.read().sum_us == 10'000);
}
