#include "workers/http/stranger_bytes.h"

#include <memory>

#include <catch2/catch.hpp>

using ace::host::Scoreboard;
using ace::http::StrangerBytes;
using ace::net::IpSet;

namespace {

/// Two workers of one host.
struct Fixture {
  std::unique_ptr<Scoreboard> board{std::make_unique<Scoreboard>()};
  StrangerBytes a{*board, board->slots[0], {.total = 1000, .per_address = 400}};
  StrangerBytes b{*board, board->slots[1], {.total = 1000, .per_address = 400}};
};

const IpSet kNoProxies;

}  // namespace

TEST_CASE("one address is held so much for, over all workers", "[strangers]") {
  Fixture f;
  StrangerBytes::Share first{f.a, "10.0.0.1:1000", kNoProxies};
  StrangerBytes::Share second{f.b, "10.0.0.1:1001", kNoProxies};
  CHECK(first.hold(300));
  CHECK(second.hold(100));
  CHECK_FALSE(second.hold(101));
  CHECK(f.a.total() == 400);
  CHECK(f.board->slots[1].strangers_refused == 1);
  CHECK(first.hold(200));
  CHECK(second.hold(200));
  CHECK(f.b.total() == 400);
}

TEST_CASE("all addresses together are held so much for", "[strangers]") {
  Fixture f;
  StrangerBytes::Share first{f.a, "10.0.0.1:1", kNoProxies};
  StrangerBytes::Share second{f.a, "10.0.0.2:1", kNoProxies};
  StrangerBytes::Share third{f.b, "[2001:db8::1]:1", kNoProxies};
  CHECK(first.hold(400));
  CHECK(second.hold(400));
  CHECK_FALSE(third.hold(300));
  CHECK(third.hold(200));
}

TEST_CASE("addresses of one IPv6 subscriber are one", "[strangers]") {
  Fixture f;
  StrangerBytes::Share first{f.a, "[2001:db8::1]:1", kNoProxies};
  StrangerBytes::Share second{f.a, "[2001:db8::ffff:1]:1", kNoProxies};
  CHECK(first.hold(400));
  CHECK_FALSE(second.hold(1));
}

TEST_CASE("who comes over a proxy or a unix socket shares the total only", "[strangers]") {
  Fixture f;
  const auto proxies = IpSet::parse("10.0.0.9");
  REQUIRE(proxies);
  StrangerBytes::Share proxied{f.a, "10.0.0.9:1", *proxies};
  CHECK(proxied.hold(500));
  StrangerBytes::Share local{f.a, "unix", kNoProxies};
  CHECK(local.hold(500));
  CHECK_FALSE(local.hold(501));
}

TEST_CASE("a connection's end gives back what was held", "[strangers]") {
  Fixture f;
  {
    StrangerBytes::Share share{f.a, "10.0.0.1:1", kNoProxies};
    CHECK(share.hold(400));
  }
  CHECK(f.a.total() == 0);
  StrangerBytes::Share next{f.a, "10.0.0.1:2", kNoProxies};
  CHECK(next.hold(400));
  CHECK(next.hold(0));
  CHECK(f.a.total() == 0);
}

TEST_CASE("the bounds follow the memory that there is", "[strangers]") {
  CHECK(StrangerBytes::limits_for({}).total == 64U << 20U);
  CHECK(StrangerBytes::limits_for(0).total == 64U << 20U);
  CHECK(StrangerBytes::limits_for(96U << 20U).total == 12U << 20U);
  CHECK(StrangerBytes::limits_for(16U << 20U).total == 8U << 20U);
  CHECK(StrangerBytes::limits_for(std::uint64_t{8} << 30U).per_address == 8U << 20U);
}
