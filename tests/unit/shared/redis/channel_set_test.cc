#include "shared/redis/channel_set.h"

#include <catch2/catch.hpp>

using ace::redis::ChannelSet;
using Action = ace::redis::ChannelSet::Action;

namespace {

ChannelSet connected() {
  ChannelSet channels;
  static_cast<void>(channels.connected());
  return channels;
}

}  // namespace

TEST_CASE("a channel is subscribed once however often it is wanted", "[redis]") {
  auto channels = connected();
  CHECK(channels.want("a") == Action::Subscribe);
  CHECK(channels.want("a") == Action::None);
  CHECK(channels.subscribed("a") == Action::None);
  CHECK(channels.want("a") == Action::None);
  CHECK(channels.unconfirmed() == 0);
}

TEST_CASE("a channel that is not confirmed is not unsubscribed before it is", "[redis]") {
  auto channels = connected();
  REQUIRE(channels.want("a") == Action::Subscribe);
  CHECK(channels.unwant("a") == Action::None);
  CHECK_FALSE(channels.is_wanted("a"));
  CHECK(channels.subscribed("a") == Action::Unsubscribe);
  CHECK(channels.unsubscribed("a") == Action::None);
  CHECK(channels.want("a") == Action::Subscribe);
}

TEST_CASE("a channel wanted again while it is being unsubscribed comes back", "[redis]") {
  auto channels = connected();
  REQUIRE(channels.want("a") == Action::Subscribe);
  REQUIRE(channels.subscribed("a") == Action::None);
  REQUIRE(channels.unwant("a") == Action::Unsubscribe);
  CHECK(channels.want("a") == Action::None);
  CHECK(channels.unsubscribed("a") == Action::Subscribe);
}

TEST_CASE("what nobody subscribed is never unsubscribed", "[redis]") {
  auto channels = connected();
  CHECK(channels.unwant("a") == Action::None);
  CHECK(channels.unsubscribed("a") == Action::None);
  CHECK(channels.subscribed("a") == Action::None);
}

TEST_CASE("a new connection gets what is wanted and forgets the rest", "[redis]") {
  auto channels = connected();
  for (const auto* channel : {"a", "b"}) {
    REQUIRE(channels.want(channel) == Action::Subscribe);
    REQUIRE(channels.subscribed(channel) == Action::None);
  }
  REQUIRE(channels.unwant("a") == Action::Unsubscribe);
  channels.disconnected();
  CHECK(channels.want("c") == Action::None);
  CHECK(channels.unwant("c") == Action::None);
  CHECK(channels.want("d") == Action::None);
  CHECK(channels.connected() == std::vector<std::string>{"b", "d"});
  CHECK(channels.unconfirmed() == 2);
}
