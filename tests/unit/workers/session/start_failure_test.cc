#include "workers/streams/session/start_failure.h"

#include <catch2/catch.hpp>

using ace::Errc;
using ace::streams::EngineFailure;
using ace::streams::parse_start_failure;
using ace::streams::start_failure;
using ace::streams::to_text;

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

TEST_CASE("a failure reads the same in every worker, even when it is cut short",
          "[start_failure]") {
  auto failure =
      start_failure({{.engine_id = "a:1", .error = {Errc::Unavailable, "a:1: connect\nno"}},
                     {.engine_id = "b", .error = {Errc::Timeout, "b: getstream"}}});
  const auto text = to_text(failure);
  const auto read = parse_start_failure(text);
  CHECK(read.status == failure.status);
  CHECK(read.code == failure.code);
  CHECK(read.message == failure.message);
  REQUIRE(read.engines.size() == 2);
  CHECK(read.engines[0].engine_id == "a:1");
  CHECK(read.engines[0].error.text == "a:1: connect no");  // one line in the table
  CHECK(read.engines[1].error.code == Errc::Timeout);
  for (std::size_t size = 0; size < text.size(); ++size) {
    const auto cut = parse_start_failure(std::string_view{text}.substr(0, size));
    CHECK(cut.engines.size() <= 2);
  }
}
