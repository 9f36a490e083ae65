#include "tests/engine_sim/request.h"

#include <catch2/catch.hpp>

using ace::sim::parse_request;

TEST_CASE("a request's path, parameters and host are read", "[sim_request]") {
  const auto request = parse_request(
      "GET /ace/getstream?id=abc&format=json&text=a%20b+c&flag HTTP/1.1\r\nhOsT:  h:1\r\nX: y");
  REQUIRE(request);
  CHECK(request->method == "GET");
  CHECK(request->path == "/ace/getstream");
  CHECK(request->host == "h:1");
  CHECK(request->parameter("id") == "abc");
  CHECK(request->parameter("text") == "a b c");
  CHECK(request->parameter("flag").empty());
  CHECK(request->parameter("absent").empty());
}

TEST_CASE("a percent sign without two digits stands for itself", "[sim_request]") {
  const auto request = parse_request("GET /?a=%&b=%4&c=%zz&d=%41 HTTP/1.1");
  REQUIRE(request);
  CHECK(request->parameter("a") == "%");
  CHECK(request->parameter("b") == "%4");
  CHECK(request->parameter("c") == "%zz");
  CHECK(request->parameter("d") == "A");
}

TEST_CASE("what is not a request line is refused", "[sim_request]") {
  CHECK_FALSE(parse_request(""));
  CHECK_FALSE(parse_request("GET"));
  CHECK_FALSE(parse_request("GET http://x/ HTTP/1.1"));
  CHECK_FALSE(parse_request("GET / SSH-2.0"));
}
