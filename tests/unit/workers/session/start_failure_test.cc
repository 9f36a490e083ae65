#include "workers/streams/session/start_failure.h"

#include <catch2/catch.hpp>

using ace::Errc;
using ace::streams::EngineFailure;
using ace::streams::start_failure;

namespace {

EngineFailure failed(Errc code) { return {.engine_id = "e", .error = {code, "why"}}; }

}  // namespace

TEST_CASE("engines that cannot be reached or are full: try again later", "[start_failure]") {
  CHECK(start_failure({failed(Errc::Unavailable), failed(Errc::Unavailable)}).status == 503);
  CHECK(start_failure({failed(Errc::Busy)}).status == 503);
  CHECK(start_failure({}).status == 503);
}

TEST_CASE("an engine that answered wrongly counts before one that was slow", "[start_failure]") {
  CHECK(start_failure({failed(Errc::Timeout), failed(Errc::Unavailable)}).status == 504);
  CHECK(start_failure({failed(Errc::Timeout), failed(Errc::Refused)}).status == 502);
  CHECK(start_failure({failed(Errc::Protocol)}).status == 502);
}

TEST_CASE("a failure keeps what each engine did, in the order they were tried", "[start_failure]") {
  const auto failure = start_failure({failed(Errc::Unavailable), failed(Errc::Timeout)});
  REQUIRE(failure.engines.size() == 2);
  CHECK(failure.engines[0].error.code == Errc::Unavailable);
  CHECK(failure.engines[1].error.code == Errc::Timeout);
}
