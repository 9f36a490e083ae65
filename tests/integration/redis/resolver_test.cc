#include <optional>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include "shared/redis/address.h"

using namespace ace;

namespace {

redis::Endpoint named(std::string host) {
  redis::Endpoint endpoint;
  endpoint.host = std::move(host);
  endpoint.port = 1;
  return endpoint;
}

/// Longer than any name: refused without a look at any name server.
const std::string kNoName(300, 'a');

}  // namespace

TEST_CASE("a name that is none is answered, but not at once", "[resolver]") {
  loop::Loop loop;
  redis::Resolver resolver{loop};
  std::optional<Error> why;
  resolver.lookup(named(kNoName), [&](const auto& found) { why = found.error(); });
  CHECK_FALSE(why);
  loop.run();
  REQUIRE(why);
  CHECK(why->code == Errc::Unavailable);
}

TEST_CASE("who asks no more is not answered", "[resolver]") {
  std::string host;
  SECTION("of what is no name") { host = kNoName; }
  SECTION("of a name") { host = "localhost"; }
  loop::Loop loop;
  std::optional<redis::Resolver> resolver{std::in_place, loop};
  bool is_answered = false;
  resolver->lookup(named(host), [&](const auto&) { is_answered = true; });
  resolver.reset();
  loop.run();
  CHECK_FALSE(is_answered);
}
