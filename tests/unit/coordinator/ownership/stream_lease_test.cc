#include "coordinator/ownership/stream_lease.h"

#include <optional>
#include <vector>

#include <catch2/catch.hpp>

#include "proto/redis/redis_scripts.h"
#include "tests/unit/coordinator/ownership/fake_commands.h"
#include "tests/unit/coordinator/ownership/fake_time.h"

using namespace ace;
using namespace ace::ownership;
using namespace std::chrono_literals;
using test::array;
using test::integer;
using test::text;

namespace {

const redis::Reply kGranted =
    array({integer(1), integer(500), integer(7), text("host:1"), integer(0)});
const redis::Reply kRenewed = array({integer(1), integer(3)});
const redis::Reply kNotRenewed = array({integer(0), text("host:2")});

struct Fixture : StreamLease::Listener {
  void on_lease_lost(const Error& why) override {
    lost.push_back(why);
    if (destroy_when_lost) lease.reset();
  }
  void on_viewers_counted(std::size_t clients) override { viewers = clients; }

  void claim() {
    lease->claim({}, {}, {}, [this](Result<ClaimResult> result) { claimed = std::move(result); });
  }
  void hold() {
    claim();
    redis.answer(proto::kClaimScript, kGranted);
    REQUIRE(lease->is_held());
  }

  test::ManualClock clock;
  test::FakeTimers timers{clock};
  test::FakeCommands redis;
  std::vector<Error> lost;
  std::optional<std::size_t> viewers;
  std::optional<Result<ClaimResult>> claimed;
  bool destroy_when_lost{};
  std::optional<StreamLease> lease{std::in_place,
                                   proto::StreamId::parse(std::string(40, 'a')).value(),
                                   proto::WorkerId{"host:1"},
                                   redis,
                                   timers,
                                   clock,
                                   LeaseTiming{},
                                   60s,
                                   *this};
};

}  // namespace

TEST_CASE("a granted claim is held under its epoch", "[lease]") {
  Fixture f;
  f.hold();
  REQUIRE(f.claimed->has_value());
  CHECK((*f.claimed)->is_mine);
  CHECK((*f.claimed)->index == proto::ChunkIndex{7});
  CHECK(f.lease->epoch() == proto::OwnerEpoch{500});
  CHECK(f.lease->may_write());
}

TEST_CASE("a claim that another one won is not held", "[lease]") {
  Fixture f;
  f.claim();
  f.redis.answer(proto::kClaimScript,
                 array({integer(0), integer(400), integer(7), text("host:2"), integer(1)}));
  REQUIRE(f.claimed->has_value());
  CHECK_FALSE((*f.claimed)->is_mine);
  CHECK((*f.claimed)->owner == proto::WorkerId{"host:2"});
  CHECK((*f.claimed)->is_stopping);
  CHECK_FALSE(f.lease->is_held());
  CHECK(f.timers.armed() == 0);
}

TEST_CASE("an error of Redis, or nonsense, is never a grant", "[lease]") {
  Fixture f;
  f.claim();
  SECTION("error") { f.redis.answer(proto::kClaimScript, fail(Errc::Closed, "gone")); }
  SECTION("nonsense") { f.redis.answer(proto::kClaimScript, text("OK")); }
  CHECK_FALSE(f.claimed->has_value());
  CHECK_FALSE(f.lease->is_held());
  f.claim();  // and may be tried again
}

TEST_CASE("a grant whose answer was lost is asked for by its epoch", "[lease]") {
  const auto ours = array({integer(0), integer(450), integer(7), text("host:1"), integer(0)});
  Fixture f;
  f.claim();
  SECTION("it was lost") {
    f.redis.answer(proto::kClaimScript, fail(Errc::Timeout, "no answer"));
    f.claim();
    f.redis.answer(proto::kClaimScript, ours);
    const auto call = f.redis.answer(proto::kClaimScript, kGranted);
    CHECK(call.args[1] == "450");
    CHECK(f.lease->is_held());
  }
  SECTION("the script failed half-way") {
    f.redis.answer(proto::kClaimScript, fail(Errc::Refused, "NOPERM"));
    f.claim();
    f.redis.answer(proto::kClaimScript, ours);
    f.redis.answer(proto::kClaimScript, kGranted);
    CHECK(f.lease->is_held());
  }
  SECTION("it was never sent: the name is not ours, whoever bears it") {
    f.redis.answer(proto::kClaimScript, fail(Errc::Unavailable, "redis is down"));
    f.claim();
    f.redis.answer(proto::kClaimScript, ours);
    CHECK(f.redis.pending() == 0);
    CHECK_FALSE(f.claimed->value().is_mine);
  }
}

TEST_CASE("a grant that comes after its fence is of no use", "[lease]") {
  Fixture f;
  f.claim();
  f.timers.freeze(5s);
  f.redis.answer(proto::kClaimScript, kGranted);
  CHECK(f.claimed->error().code == Errc::Timeout);
  CHECK_FALSE(f.lease->is_held());
}

TEST_CASE("a grant for a lease that is gone is given back", "[lease]") {
  Fixture f;
  f.claim();
  f.lease.reset();
  f.redis.answer(proto::kClaimScript, kGranted);
  CHECK(f.claimed->error().code == Errc::Closed);
  const auto call = f.redis.answer(proto::kReleaseScript, integer(1));
  CHECK(call.args[1] == "500");
}

TEST_CASE("a lease is renewed every two seconds and counts the viewers", "[lease]") {
  Fixture f;
  f.hold();
  f.timers.advance(1999ms);
  CHECK(f.redis.pending() == 0);
  for (int i = 0; i < 5; ++i) {
    f.timers.advance(i == 0 ? 1ms : 2000ms);
    const auto call = f.redis.answer(proto::kRenewScript, kRenewed);
    const std::string id(40, 'a');
    CHECK(call.args ==
          std::vector<std::string>{"host:1", "500", "6000", "60000", id, "ace_proxy:events:" + id,
                                   "ace_proxy:stream:" + id + ":clients:", "ace_proxy:worker:",
                                   "ace_proxy:engine:", "ace_proxy:alias:"});
  }
  CHECK(f.viewers == 3U);
  CHECK(f.lease->may_write());
  CHECK(f.lost.empty());
}

TEST_CASE("a renewal out of turn replaces the next one", "[lease]") {
  Fixture f;
  f.lease->renew_now();
  CHECK(f.redis.pending() == 0);  // nothing is held
  f.hold();
  f.timers.advance(1000ms);
  f.lease->renew_now();
  f.redis.answer(proto::kRenewScript, kRenewed);
  CHECK(f.viewers == 3U);
  f.timers.advance(1999ms);
  CHECK(f.redis.pending() == 0);
  f.timers.advance(1ms);
  CHECK(f.redis.pending() == 1);
}

TEST_CASE("the fence stands five seconds after sending the last good renewal", "[lease]") {
  Fixture f;
  f.hold();
  f.timers.advance(2000ms);  // renewed at 2 s, answered at 3.5 s
  f.timers.advance(1500ms);
  f.redis.answer(proto::kRenewScript, kRenewed);
  f.timers.advance(3499ms);
  CHECK(f.lease->may_write());
  CHECK(f.lost.empty());
  f.timers.advance(1ms);
  CHECK_FALSE(f.lease->may_write());
  REQUIRE(f.lost.size() == 1);
  CHECK(f.lost[0].code == Errc::Timeout);
  f.timers.advance(1min);
  CHECK(f.lost.size() == 1);
}

TEST_CASE("renewals that fail are tried again soon and do not move the fence", "[lease]") {
  Fixture f;
  f.hold();
  f.timers.advance(2000ms);
  int failures = 0;
  while (f.redis.pending() > 0) {
    f.redis.answer(proto::kRenewScript, fail(Errc::Unavailable, "down"));
    ++failures;
    f.timers.advance(250ms);
  }
  CHECK(failures == 12);  // from 2 s to the fence at 5 s
  CHECK(f.lost.size() == 1);
  CHECK_FALSE(f.lease->is_held());
}

TEST_CASE("a frozen process may not write when it wakes up, before any timer ran", "[lease]") {
  Fixture f;
  f.hold();
  f.clock.set(f.clock.now() + 5s);
  CHECK(f.lease->is_held());
  CHECK_FALSE(f.lease->may_write());
}

TEST_CASE("a refused renewal ends the lease at once, and once", "[lease]") {
  Fixture f;
  f.hold();
  f.timers.advance(2s);
  f.lease->update({{"state", "active"}});
  f.redis.answer(proto::kRenewScript, kNotRenewed);
  f.redis.answer(proto::kUpdateScript, integer(0));  // of a grant that is over
  REQUIRE(f.lost.size() == 1);
  CHECK(f.lost[0].code == Errc::Refused);
  CHECK_FALSE(f.lease->is_held());
  CHECK(f.timers.armed() == 0);
}

TEST_CASE("the holder may destroy the lease when it is lost", "[lease]") {
  Fixture f;
  f.destroy_when_lost = true;
  f.hold();
  SECTION("refused") {
    f.timers.advance(2s);
    f.redis.answer(proto::kRenewScript, kNotRenewed);
  }
  SECTION("fenced") { f.timers.freeze(5s); }
  SECTION("refused teardown") {
    f.lease->begin_teardown(ace::ownership::Teardown::IfUnwatched,
                            [](const Result<std::size_t>&) {});
    f.redis.answer(proto::kBeginTeardownScript, integer(-1));
  }
  CHECK(f.lost.size() == 1);
  CHECK_FALSE(f.lease.has_value());
}

TEST_CASE("fields that Redis did not take are written with the next renewal", "[lease]") {
  Fixture f;
  f.hold();
  f.lease->update({{"state", "connecting"}, {"pid", "p1"}});
  f.lease->update({{"state", "active"}});
  f.redis.answer(proto::kUpdateScript, fail(Errc::Closed, "gone"));
  f.redis.answer(proto::kUpdateScript, integer(1));
  f.timers.advance(2s);
  f.redis.answer(proto::kRenewScript, kRenewed);
  const auto call = f.redis.answer(proto::kUpdateScript, integer(1));
  // The state is newer in Redis than what failed.
  CHECK(call.args == std::vector<std::string>{"host:1", "500", "60000", "pid", "p1"});
  f.timers.advance(2s);
  f.redis.answer(proto::kRenewScript, kRenewed);
  CHECK(f.redis.pending() == 0);
}

TEST_CASE("teardown begins only without clients", "[lease]") {
  Fixture f;
  f.hold();
  std::optional<Result<std::size_t>> answer;
  f.lease->begin_teardown(ace::ownership::Teardown::IfUnwatched,
                          [&](Result<std::size_t> clients) { answer = std::move(clients); });
  f.redis.answer(proto::kBeginTeardownScript, integer(2));
  CHECK(answer->value() == 2);
  CHECK(f.lease->may_write());
  f.lease->begin_teardown(ace::ownership::Teardown::IfUnwatched,
                          [&](Result<std::size_t> clients) { answer = std::move(clients); });
  f.redis.answer(proto::kBeginTeardownScript, integer(0));
  CHECK(answer->value() == 0);
  CHECK(f.lease->may_write());  // stopping the engine is still its business
}

TEST_CASE("a lease that was given up is not renewed and not lost", "[lease]") {
  Fixture f;
  f.hold();
  f.timers.advance(2s);
  std::optional<Status> done;
  SECTION("released") {
    f.lease->release([&](Status status) { done = std::move(status); });
    f.redis.answer(proto::kRenewScript, kNotRenewed);
    f.redis.answer(proto::kReleaseScript, integer(1));
  }
  SECTION("torn down") {
    f.lease->finish_teardown({1}, {9}, [&](Status status) { done = std::move(status); });
    f.redis.answer(proto::kRenewScript, kNotRenewed);
    const auto call = f.redis.answer(proto::kFinishTeardownScript, integer(1));
    CHECK(call.args[4] == "1");
    CHECK(call.args[5] == "9");
  }
  CHECK(done->has_value());
  CHECK_FALSE(f.lease->is_held());
  f.timers.advance(1min);
  CHECK(f.redis.pending() == 0);
  CHECK(f.lost.empty());
}

TEST_CASE("while a lease is being ended it is neither claimed nor ended again", "[lease]") {
  Fixture f;
  f.hold();
  std::vector<bool> ended;
  f.lease->finish_teardown({1}, {7},
                           [&](const Status& done) { ended.push_back(done.has_value()); });
  f.claim();
  REQUIRE(f.claimed);
  REQUIRE_FALSE(f.claimed->has_value());
  CHECK(f.claimed->error().code == Errc::Busy);
  f.lease->finish_teardown({1}, {7},
                           [&](const Status& done) { ended.push_back(done.has_value()); });
  CHECK(ended == std::vector<bool>{false});
  f.redis.answer(proto::kFinishTeardownScript, integer(1));
  CHECK(ended == std::vector<bool>{false, true});
  f.hold();  // over: it can be claimed again
}

TEST_CASE("an owner key with megabytes of junk names nobody at length", "[lease]") {
  Fixture f;
  f.claim();
  f.redis.answer(proto::kClaimScript, array({integer(0), integer(400), integer(7),
                                             text(std::string(5'000'000, 'Z')), integer(0)}));
  REQUIRE(f.claimed->has_value());
  CHECK_FALSE((*f.claimed)->is_mine);
  CHECK((*f.claimed)->owner.value.size() <= 128);
}
