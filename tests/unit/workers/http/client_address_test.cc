#include "workers/http/client_address.h"

#include <random>
#include <vector>

#include <catch2/catch.hpp>

using ace::http::client_address;
using ace::net::IpSet;
using ace::proto::http::Request;

namespace {

Request forwarded(const std::vector<std::string>& lists) {
  Request request;
  for (const auto& list : lists) {
    request.headers.push_back({.name = "x-forwarded-for", .value = list});
  }
  return request;
}

std::string client(std::string_view peer, const std::vector<std::string>& lists,
                   std::string_view trusted = "10.0.0.0/8,::1,unix") {
  return client_address(forwarded(lists), peer, *IpSet::parse(trusted));
}

}  // namespace

TEST_CASE("nobody's word is taken but that of trusted proxies", "[client_address]") {
  CHECK(client("203.0.113.9:5000", {"1.2.3.4"}) == "203.0.113.9:5000");
  CHECK(client("10.0.0.1:5000", {"1.2.3.4"}, "") == "10.0.0.1:5000");
  CHECK(client("unix", {"1.2.3.4"}, "10.0.0.0/8") == "unix");
  CHECK(client("10.0.0.1:5000", {"203.0.113.9"}) == "203.0.113.9");
  CHECK(client("[::ffff:10.0.0.1]:5000", {"203.0.113.9"}) == "203.0.113.9");
  CHECK(client("[::1]:5000", {"2001:db8::1"}) == "2001:db8::1");
  CHECK(client("unix", {"203.0.113.9"}) == "203.0.113.9");
}

TEST_CASE("the client is the rightmost address that is not a trusted proxy", "[client_address]") {
  CHECK(client("10.0.0.1:5000", {"1.1.1.1, 203.0.113.9"}) == "203.0.113.9");
  CHECK(client("10.0.0.1:5000", {"1.1.1.1, 203.0.113.9, 10.0.0.2 ,10.0.0.3"}) == "203.0.113.9");
  // Several headers are one list.
  CHECK(client("10.0.0.1:5000", {"1.1.1.1", "203.0.113.9", "10.0.0.2"}) == "203.0.113.9");
  // Everybody is a proxy: the one that is furthest away.
  CHECK(client("10.0.0.1:5000", {"10.0.0.7, 10.0.0.2"}) == "10.0.0.7");
  CHECK(client("10.0.0.1:5000", {}) == "10.0.0.1:5000");
}

TEST_CASE("addresses come with ports and brackets, in either clothes", "[client_address]") {
  CHECK(client("10.0.0.1:5000", {"203.0.113.9:4711"}) == "203.0.113.9");
  CHECK(client("10.0.0.1:5000", {"[2001:db8::1]:4711"}) == "2001:db8::1");
  CHECK(client("10.0.0.1:5000", {"::ffff:203.0.113.9"}) == "203.0.113.9");
  CHECK(client("10.0.0.1:5000", {"1.1.1.1, ::ffff:10.0.0.2"}) == "1.1.1.1");
}

TEST_CASE("what is no address ends what is believed", "[client_address]") {
  for (const auto* junk : {"", "unknown", "_hidden", "1.2.3.4.5", "unix", "999.1.1.1", "a,b"}) {
    INFO(junk);
    CHECK(client("10.0.0.1:5000", {std::string{"1.1.1.1, "} + junk}) == "10.0.0.1:5000");
    CHECK(client("10.0.0.1:5000", {std::string{"1.1.1.1, "} + junk + ", 10.0.0.2"}) == "10.0.0.2");
  }
}

TEST_CASE("judged again where it is handed over to, it is the same client", "[client_address]") {
  std::mt19937 random{20261122};
  const std::vector<std::string> words{"10.0.0.2", "203.0.113.9", "unknown", "[::1]:5", "1.1.1.1:9",
                                       "",         "10.9.9.9"};
  for (int round = 0; round < 5'000; ++round) {
    std::string list;
    for (auto left = random() % 5; left > 0; --left) {
      list += words[random() % words.size()] + (left > 1 ? "," : "");
    }
    INFO(list);
    const auto first = client("10.0.0.1:5000", {list});
    REQUIRE(client(first, {list}) == first);
  }
}
