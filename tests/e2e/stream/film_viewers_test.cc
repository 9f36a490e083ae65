// Viewers of films: who is who, and what people see of them and tell them.

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/cinema.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kLong = 24'000'000;  // more than sockets hold

HeaderList forwarded_for(const std::string& address) { return {{"X-Forwarded-For", address}}; }

}  // namespace

TEST_CASE("behind a proxy each household has its own place in a film", "[film]") {
  const auto addresses = GENERATE(std::pair{"10.0.0.1", "10.0.0.2"},  //
                                  std::pair{"2001:db8::1", "2001:db8::2"});
  const bool is_known = GENERATE(false, true);  // else it comes as a stream at first
  const auto one = forwarded_for(addresses.first);
  const auto two = forwarded_for(addresses.second);
  CAPTURE(addresses.first, is_known);
  const Cinema cinema{1, {.size = kLong, .environment = {{"PROXY_TRUSTED_PROXIES", "127.0.0.1"}}}};
  if (is_known) REQUIRE(cinema.ask("VLC", "0-9", "GET", one).status == 206);
  const auto watching = cinema.open("VLC", one);
  REQUIRE(has_begun(watching));
  // The engine is taken, and another household must not take it away.
  const auto refused = cinema.ask("VLC", "20000000-20000999", "GET", two);
  CHECK(refused.status == 503);
  CHECK_THAT(refused.body, Catch::Contains("film_busy"));
  // The same one seeks.
  const auto part = cinema.ask("VLC", "20000000-20000999", "GET", one);
  CHECK(part.status == 206);
  CHECK((part.body == film(20'000'000, 1000)));
  CHECK(cinema.total("sessions_opened") == 1);
  CHECK(exchange(watching, "", 10s).is_closed);
}

TEST_CASE("who cannot be told apart ends nobody's film", "[film]") {
  const TempDir dir;
  const auto path = dir.file("proxy.sock");
  const Cinema cinema{
      1, {.size = kLong, .environment = {{"PROXY_LISTEN", "127.0.0.1:0,unix:" + path}}}};
  const auto ask = [&](std::string_view range) {
    auto connection = connect_unix(path);
    send_all(connection, fmt::format("GET {} HTTP/1.1\r\nHost: p\r\nUser-Agent: VLC\r\n{}\r\n",
                                     stream_target(stream_id(1)), range));
    return connection;
  };
  const auto watching = ask("");
  REQUIRE(has_begun(watching));
  CHECK_THAT(rest_of(ask("Range: bytes=20000000-20000999\r\n")), Catch::Contains("film_busy"));
  CHECK((rest_of(watching) == film(0, kLong)));
}
