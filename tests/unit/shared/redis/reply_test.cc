#include "shared/redis/reply.h"

#include <catch2/catch.hpp>

#include "shared/redis/endpoint.h"

using ace::redis::Endpoint;
using ace::redis::Reply;

namespace {

Reply text(const std::string& value) {
  return {.kind = Reply::Kind::String, .integer = 0, .text = value, .elements = {}};
}

}  // namespace

TEST_CASE("a string that is an integer is one, junk is none", "[redis]") {
  CHECK(text("42").as_integer() == 42);
  CHECK(text("-7").as_integer() == -7);
  for (const auto* junk : {"", " 1", "1 ", "1x", "+1", "0x10", "9223372036854775808"}) {
    CAPTURE(junk);
    CHECK_FALSE(text(junk).as_integer());
  }
  CHECK_FALSE(Reply{}.as_integer());
}

TEST_CASE("only strings and statuses are text", "[redis]") {
  CHECK(text("a").as_text() == "a");
  CHECK_FALSE(Reply{}.as_text());
}

TEST_CASE("an endpoint describes itself without its password", "[redis]") {
  Endpoint endpoint;
  endpoint.password = "secret";
  CHECK(endpoint.describe() == "127.0.0.1:6379 db 0");
  endpoint.host = "::1";
  endpoint.db = 2;
  CHECK(endpoint.describe() == "[::1]:6379 db 2");
  endpoint.socket = "/run/redis.sock";
  CHECK(endpoint.describe() == "unix:/run/redis.sock db 2");
}
