// Viewers of films: who is who, and what people see of them and tell them.

#include <fmt/format.h>

#include <sstream>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/cinema.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kLong = 24'000'000;  // more than sockets hold

HeaderList forwarded_for(const std::string& address) { return {{"X-Forwarded-For", address}}; }

/// The lines (JSON) of a request in the access log.
std::vector<std::string> access_lines(const std::string& file, const std::string& request_id) {
  std::vector<std::string> lines;
  std::istringstream in{read_text_file(file)};
  for (std::string line; std::getline(in, line);) {
    if (line.find(fmt::format(R"("request_id":"{}")", request_id)) == line.npos) continue;
    lines.push_back(line);
  }
  return lines;
}

/// The first one, once it is there.
rapidjson::Document access_of(const std::string& file, const std::string& request_id) {
  REQUIRE(wait_until([&] { return !access_lines(file, request_id).empty(); }, 15s));
  return json_of(access_lines(file, request_id).front());
}

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

TEST_CASE("every answer about a film is told of in the logs", "[film]") {
  const TempDir dir;
  const auto file = dir.file("access.log");
  Cinema cinema{1,
                {.size = kLong,
                 .environment = {{"PROXY_ACCESS_LOG", file},
                                 {"PROXY_ACCESS_LOG_FORMAT", "json"},
                                 {"PROXY_TRUSTED_PROXIES", "127.0.0.1"},
                                 {"PROXY_STREAM_TOKENS", "tv:sesame-open"}}}};
  const auto target = stream_target(stream_id(1)) + "&token=sesame-open";
  const auto ask = [&](const std::string& id, const std::string& range, std::size_t most) {
    HeaderList headers{
        {"X-Request-Id", id}, {"X-Forwarded-For", "10.0.0.1"}, {"User-Agent", "V\"LC"}};
    if (!range.empty()) headers.emplace_back("Range", "bytes=" + range);
    const auto reply = http_request(cinema.service().port(), "GET", target, headers,
                                    {.timeout = 20s, .max_body = most});
    const auto line = access_of(file, id);
    CHECK(line["status"].GetInt() == reply.status);
    CHECK(line["bytes"].GetUint64() >= reply.body.size());
    CHECK(std::string{line["address"].GetString()} == "10.0.0.1");
    CHECK(std::string{line["agent"].GetString()} == "V\"LC");
    CHECK(std::string{line["user"].GetString()} == "tv");
    CHECK_THAT(line["request"].GetString(), Catch::Contains("token=***"));
    return reply.status;
  };
  const auto count_of = [&](std::string_view event, const std::string& words) {
    std::istringstream log{cinema.service().proxy().log()};
    int count = 0;
    for (std::string line; std::getline(log, line);) {
      if (line.find(event) != line.npos && line.find(words) != line.npos) ++count;
    }
    return count;
  };
  CHECK(ask("cold", "", 1000) == 200);  // leaves in the middle
  CHECK(ask("part", "5-104", kLong) == 206);
  CHECK(ask("beyond", "24000000-", kLong) == 416);
  const auto others = cinema.open("other", {{"X-Request-Id", "denied"}});
  CHECK(access_of(file, "denied")["status"].GetInt() == 403);
  cinema.engines().fault("refuse", "close");
  REQUIRE(wait_until([&] { return cinema.total("sessions_alive") == 0; }, 20s));
  CHECK(ask("failed", "", kLong) == 503);
  for (const auto* id : {"cold", "part", "beyond", "failed"}) {
    CAPTURE(id);
    CHECK(access_lines(file, id).size() == 1);
    CHECK(count_of(fmt::format("film_client_connected stream={} client=", stream_id(1)),
                   fmt::format(" request={} user=tv address=10.0.0.1 ", id)) == 1);
    CHECK(count_of("film_client_gone", fmt::format(" request={} bytes=", id)) == 1);
  }
}
