// One film on two hosts with one engine between them.

#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/two_hosts.h"
#include "tests/engine_sim/film.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/viewers/numbered_ts.h"

using namespace ace::test;
using namespace std::chrono_literals;

TEST_CASE("a film's viewer keeps its engine when another host asks for the film", "[film]") {
  constexpr std::uint64_t kSize = 40'000'000;
  TwoHosts hosts{{}, {.engines = 1}};
  hosts.engines.fault("vod", std::to_string(kSize));
  const auto watching = connect_loopback(hosts.a->port());
  const auto request = "GET " + stream_target(hosts.id) + " HTTP/1.1\r\nHost: p\r\n\r\n";
  REQUIRE(::send(watching.get(), request.data(), request.size(), MSG_NOSIGNAL) > 0);
  REQUIRE(wait_until(
      [&] {
        char first{};
        return ::recv(watching.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
      },
      30s));
  for (int i = 0; i < 2; ++i) {  // as a stream first, then as the film that it is
    const auto refused = http_request(hosts.b->port(), "GET", stream_target(hosts.id), {},
                                      {.timeout = 60s, .max_body = 64U << 20U});
    CHECK(refused.status == 503);
    CHECK_THAT(refused.body, Catch::Contains("film_busy"));
  }
  std::string whole;
  ace::sim::film_bytes(infohash_of_content(hosts.id), 0, kSize, whole);
  const auto reply = exchange(watching, "", 90s).bytes;
  CHECK(reply.substr(reply.find("\r\n\r\n") + 4) == whole);
  // Nothing is left behind.
  CHECK(wait_until(
      [&] {
        return hosts.command({"KEYS", "ace_proxy:film:*"}).elements.empty();
      },
      20s));
  CHECK(wait_until([&] { return hosts.engines.state().engine(0, "sessions_alive") == 0; }, 20s));
}
