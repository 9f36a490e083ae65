#include <cerrno>
#include <set>

#include <catch2/catch.hpp>

#include "shared/base/random_id.h"
#include "shared/base/result.h"

TEST_CASE("an error carries its contexts, outermost first", "[error]") {
  const auto error =
      ace::Error{ace::Errc::Timeout, "no answer in 15 s"}.in("getstream").in("start");
  CHECK(error.text == "start: getstream: no answer in 15 s");
  CHECK(error.code == ace::Errc::Timeout);
  CHECK(ace::Error::from_errno("bind", EADDRINUSE).text == "bind: Address already in use");
}

TEST_CASE("random ids are hex of the asked length and differ", "[random]") {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const auto id = ace::random_hex(8);
    CHECK(id.size() == 16);
    CHECK(id.find_first_not_of("0123456789abcdef") == std::string::npos);
    seen.insert(id);
  }
  CHECK(seen.size() == 100);
}
