#include "workers/http/access_gate.h"

#include <catch2/catch.hpp>

using namespace ace::http;
using ace::proto::http::Request;

TEST_CASE("a host is the proxy's own if it is an address or a name that is known",
          "[access_gate]") {
  const std::vector<std::string> names{"tv.lan", "Proxy"};
  for (const auto* own : {"127.0.0.1", "10.0.0.1:8000", "[::1]", "[fe80::1]:8000", "localhost",
                          "LocalHost:8000", "tv.lan", "TV.lan:8000", "proxy:80", ""}) {
    INFO(own);
    CHECK(is_host_of_proxy(own, names));
  }
  for (const auto* other :
       {"evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example",
        "0x7f000001", "2130706433", "tv.lan.", "xtv.lan", "[::1].evil:80"}) {
    INFO(other);
    CHECK_FALSE(is_host_of_proxy(other, names));
  }
}

TEST_CASE("a body is JSON only if it says so", "[access_gate]") {
  const auto is_other = [](const std::string& length, const std::string& type) {
    Request request;
    request.headers.push_back({.name = "content-length", .value = length});
    if (!type.empty()) request.headers.push_back({.name = "content-type", .value = type});
    return has_other_body(request);
  };
  CHECK_FALSE(has_other_body(Request{}));
  CHECK_FALSE(is_other("0", ""));
  CHECK_FALSE(is_other("2", "application/json"));
  CHECK_FALSE(is_other("2", "Application/JSON; charset=utf-8"));
  CHECK(is_other("2", ""));
  CHECK(is_other("2", "text/plain"));
  CHECK(is_other("2", "application/x-www-form-urlencoded"));
  CHECK(is_other("2", "application/jsonp"));
  Request chunked;
  chunked.headers.push_back({.name = "transfer-encoding", .value = "chunked"});
  CHECK(has_other_body(chunked));
}
