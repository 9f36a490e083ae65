#include "workers/streams/session/attempts.h"

#include <catch2/catch.hpp>

using namespace std::chrono_literals;
using ace::Errc;
using ace::Error;
using ace::SteadyTime;
using ace::streams::Attempts;

namespace {

const Error kBroken{Errc::Closed, "e1: reading: gone"};

}  // namespace

TEST_CASE("pauses between rounds grow, and each round asks all engines again", "[attempts]") {
  Attempts attempts{5min};
  attempts.note_failure("e1", kBroken, SteadyTime{1s}, 0s);
  attempts.note_failure("e2", kBroken, SteadyTime{2s}, 0s);
  CHECK(attempts.tried().size() == 2);
  CHECK(attempts.begin_round() == 500ms);
  CHECK(attempts.tried().empty());
  CHECK(attempts.failures().size() == 2);
  CHECK(attempts.begin_round() == 1s);
  CHECK(attempts.begin_round() == 2s);
  CHECK(attempts.begin_round() == 4s);
  CHECK(attempts.begin_round() == 8s);
  CHECK(attempts.begin_round() == 8s);
}

TEST_CASE("a session that delivered for a while makes earlier failures forgotten", "[attempts]") {
  Attempts attempts{5min};
  attempts.note_failure("e1", kBroken, SteadyTime{1s}, 0s);
  CHECK(attempts.begin_round() == 500ms);
  attempts.note_failure("e2", kBroken, SteadyTime{4s}, 2s);
  CHECK(attempts.failures().size() == 2);  // that was hardly more than a burst
  attempts.note_failure("e2", kBroken, SteadyTime{8s}, 3s);
  REQUIRE(attempts.failures().size() == 1);
  CHECK(attempts.failures().front().engine_id == "e2");
  CHECK(attempts.tried().size() == 1);
  CHECK(attempts.begin_round() == 500ms);
}

TEST_CASE("a stream is hopeless when nothing has helped for long enough", "[attempts]") {
  Attempts attempts{5min};
  CHECK_FALSE(attempts.is_hopeless(SteadyTime{24h}));
  attempts.note_failure("e1", kBroken, SteadyTime{1s}, 0s);
  CHECK_FALSE(attempts.is_hopeless(SteadyTime{301s}));
  CHECK(attempts.is_hopeless(SteadyTime{302s}));
  attempts.note_failure("e1", kBroken, SteadyTime{310s}, 10s);
  CHECK_FALSE(attempts.is_hopeless(SteadyTime{311s}));
}

TEST_CASE("failures of days are kept to the last ones", "[attempts]") {
  Attempts attempts{5min};
  for (int i = 0; i < 1000; ++i) {
    attempts.note_failure("e" + std::to_string(i), kBroken, SteadyTime{1s}, 0s);
  }
  CHECK(attempts.failures().size() == 32);
  CHECK(attempts.failures().back().engine_id == "e999");
}
