#include "workers/engines/engine_failure.h"

#include <catch2/catch.hpp>

using ace::Errc;
using ace::Error;
using ace::engines::failed_phase;
using ace::engines::is_engines_fault;

namespace {

bool is_fault(const Error& error) {
  return is_engines_fault(failed_phase("e1", error), error.code);
}

}  // namespace

TEST_CASE("a failure is taken apart into phase and text", "[engine_failure]") {
  const Error error{Errc::Timeout, "e1: getstream: no answer in 15000 ms"};
  CHECK(failed_phase("e1", error).phase == "getstream");
  CHECK(failed_phase("e1", error).text == "no answer in 15000 ms");
  const Error bare{Errc::Closed, "first byte: engine ended the stream"};
  CHECK(failed_phase("e1", bare).phase == "first byte");
  const Error strange{Errc::System, "out of descriptors"};
  CHECK(failed_phase("e1", strange).phase.empty());
  CHECK(failed_phase("e1", strange).text == "out of descriptors");
}

TEST_CASE("what the stream is to blame for is not held against its engine", "[engine_failure]") {
  CHECK(is_fault({Errc::Unavailable, "e1: connect: refused"}));
  CHECK(is_fault({Errc::Timeout, "e1: connect: nothing in 1000 ms"}));
  CHECK(is_fault({Errc::Timeout, "e1: getstream: no answer in 15000 ms"}));
  CHECK(is_fault({Errc::Protocol, "e1: getstream: status 500"}));
  CHECK(is_fault({Errc::Closed, "e1: reading: engine ended the stream"}));
  CHECK_FALSE(is_fault({Errc::Refused, "e1: getstream: failed to load content"}));
  CHECK_FALSE(is_fault({Errc::Timeout, "e1: first byte: nothing in 30000 ms"}));
  CHECK_FALSE(is_fault({Errc::Timeout, "e1: reading: no media in 30000 ms"}));
  CHECK_FALSE(is_fault({Errc::Protocol, "e1: first byte: MPEG-TS without a PAT in 99 bytes"}));
}
