#include "shared/net/ip_set.h"

#include <random>

#include <catch2/catch.hpp>

using ace::net::IpAddress;
using ace::net::IpSet;

namespace {

IpSet set_of(std::string_view list) {
  auto set = IpSet::parse(list);
  INFO(list);
  REQUIRE(set);
  return *set;
}

bool contains(const IpSet& set, std::string_view address) {
  return set.contains(*IpAddress::parse(address));
}

std::string error_of(std::string_view list) {
  const auto set = IpSet::parse(list);
  return set ? "" : set.error().text;
}

}  // namespace

TEST_CASE("a list names addresses and networks of both families", "[ip_set]") {
  const auto set = set_of("192.0.2.7, 10.0.0.0/8,2001:db8::/32,,::1");
  CHECK(contains(set, "192.0.2.7"));
  CHECK_FALSE(contains(set, "192.0.2.8"));
  CHECK(contains(set, "10.255.0.1"));
  CHECK_FALSE(contains(set, "11.0.0.1"));
  CHECK(contains(set, "2001:db8:1::"));
  CHECK_FALSE(contains(set, "2001:db9::"));
  CHECK(contains(set, "::1"));
  CHECK(contains(set, "::ffff:10.1.1.1"));
  CHECK(set.text() == "192.0.2.7,10.0.0.0/8,2001:db8::/32,::1");
  CHECK(set_of(set.text()) == set);
}

TEST_CASE("all of one family is not all of the other", "[ip_set]") {
  CHECK(contains(set_of("0.0.0.0/0"), "203.0.113.9"));
  CHECK_FALSE(contains(set_of("0.0.0.0/0"), "2001:db8::1"));
  CHECK(contains(set_of("::/0"), "2001:db8::1"));
  CHECK_FALSE(contains(set_of("::/0"), "203.0.113.9"));
}

TEST_CASE("who comes over a unix socket is in the list only by that word", "[ip_set]") {
  const std::optional<IpAddress> nobody;
  CHECK(set_of("unix,10.0.0.0/8").contains(nobody));
  CHECK_FALSE(set_of("0.0.0.0/0,::/0").contains(nobody));
  CHECK_FALSE(contains(set_of("unix"), "127.0.0.1"));
  CHECK(set_of("unix,10.0.0.0/8").text() == "unix,10.0.0.0/8");
  CHECK(set_of("").empty());
  CHECK(set_of(" , ").empty());
  CHECK_FALSE(set_of("unix").empty());
}

TEST_CASE("an entry that is wrong is named", "[ip_set]") {
  for (const auto* entry : {"10.0.0.0/33",
                            "10.0.0.0/",
                            "10.0.0.0/-1",
                            "10.0.0.0/+8",
                            "10.0.0.0/8/8",
                            "10.0.0.0/08",
                            "10.0.0.0/ 8",
                            "10.0.0.0/8x",
                            "10/8",
                            "10.0.0.1/8",
                            "2001:db8::1/32",
                            "2001:db8::/129",
                            "[2001:db8::]/32",
                            "::ffff:10.0.0.0/104",
                            "lan",
                            "10.0.0.0-10.0.0.9",
                            "*",
                            "Unix",
                            "10.0.0.0/99999999999",
                            "10.0.0.0\\8",
                            "10.0.0.0 /8"}) {
    INFO(entry);
    CHECK_THAT(error_of(std::string{"127.0.0.1,"} + entry), Catch::Contains(entry));
  }
  CHECK_THAT(error_of("10.0.0.1/8"), Catch::Contains("10.0.0.0/8?"));
}

TEST_CASE("whatever a list is made of, it is refused or reads back as itself", "[ip_set]") {
  std::mt19937 random{20261122};
  constexpr std::string_view kLetters = "0123456789.:/,f unix";
  std::size_t accepted = 0;
  for (int round = 0; round < 50'000; ++round) {
    std::string list;
    for (auto left = random() % 14; left > 0; --left) list += kLetters[random() % kLetters.size()];
    const auto set = IpSet::parse(list);
    if (!set) continue;
    ++accepted;
    INFO(list);
    const auto again = IpSet::parse(set->text());
    REQUIRE(again);
    REQUIRE(*again == *set);
  }
  CHECK(accepted > 100);
}
