// Viewers of films: who is who, and what people see of them and tell them.

#include <fmt/format.h>

#include <map>
#include <sstream>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/cinema.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kLong = 24'000'000;  // more than sockets hold

HeaderList forwarded_for(const std::string& address) { return {{"X-Forwarded-For", address}}; }

std::string page() { return "/streams/" + stream_id(1); }

HttpReply tell(Cinema& cinema, std::string_view method, const std::string& target) {
  return http_request(cinema.service().port(), method, target, {{"Content-Length", "0"}});
}

std::string code_of(const HttpReply& reply) {
  return json_of(reply.body)["error"]["code"].GetString();
}

/// The ids of the film's clients by what they are.
std::map<std::string, std::string> clients_of(const HttpReply& reply) {
  std::map<std::string, std::string> ids;
  if (reply.status != 200) return ids;
  const auto json = json_of(reply.body);
  for (const auto& client : json["client_list"].GetArray()) {
    CHECK_THAT(client["address"].GetString(), Catch::StartsWith("127.0.0.1:"));
    ids.emplace(client["agent"].GetString(), client["id"].GetString());
  }
  return ids;
}

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
  // One worker: a film moves on from one that stands still, and its session stays there.
  const Cinema cinema{
      1, {.size = kLong, .workers = 1, .environment = {{"PROXY_TRUSTED_PROXIES", "127.0.0.1"}}}};
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
                 .workers = 1,
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

TEST_CASE("viewers of a film are shown, and one of them can be let go", "[film]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  const unsigned workers = redis == RedisIs::There ? 3 : 1;
  Cinema cinema{2, {.size = kLong, .workers = workers, .redis = redis}};
  const auto one = cinema.open("one\ttab");
  const auto two = cinema.open("two");
  REQUIRE(has_begun(one));
  REQUIRE(has_begun(two));
  std::map<std::string, std::string> ids;
  REQUIRE(wait_until(
      [&] {
        ids = clients_of(cinema.service().get(page()));
        return ids.size() == 2;
      },
      15s));
  REQUIRE(ids.contains("one tab"));
  CHECK(cinema.service().every_worker(
      page(), [&](const HttpReply& reply) { return clients_of(reply) == ids; }, 15s));

  const auto unknown = tell(cinema, "DELETE", page() + "/clients/nobody");
  CHECK(unknown.status == 404);
  CHECK(code_of(unknown) == "no_such_client");
  const auto moved = tell(cinema, "POST", page() + "/migrate");
  CHECK(moved.status == 409);
  CHECK(code_of(moved) == "is_a_film");

  CHECK(tell(cinema, "DELETE", page() + "/clients/" + ids.at("one tab")).status == 202);
  // Orders are looked at twice a second: who reads meanwhile gets more of it.
  REQUIRE(wait_until([&] { return clients_of(cinema.service().get(page())).size() == 1; }, 15s));
  CHECK(rest_of(one).size() < kLong);  // with a reset: nobody takes it for the whole film
  CHECK(rest_of(two) == film(0, kLong));
  CHECK(cinema.total("sessions_opened") == 2);
}

TEST_CASE("a film that is ended ends for all its viewers, and begins anew", "[film]") {
  Cinema cinema{2, {.size = kLong}};
  const auto one = cinema.open("one");
  const auto two = cinema.open("two");
  REQUIRE(has_begun(one));
  REQUIRE(has_begun(two));
  CHECK(tell(cinema, "DELETE", page()).status == 202);
  REQUIRE(wait_until([&] { return clients_of(cinema.service().get(page())).empty(); }, 15s));
  CHECK(rest_of(one).size() < kLong);
  CHECK(rest_of(two).size() < kLong);
  const auto again = cinema.ask("one", "0-9");
  CHECK(again.status == 206);
  CHECK(again.body == film(0, 10));
  CHECK(cinema.total("sessions_opened") == 3);  // what it had was not kept for it
}

TEST_CASE("who waits for a film that is ended is told so", "[film]") {
  Cinema cinema{1, {.environment = {{"PROXY_ENGINE_JSON_TIMEOUT", "60s"}}}};
  CHECK(cinema.ask("tv", "0-9").status == 206);
  REQUIRE(wait_until([&] { return cinema.total("sessions_alive") == 0; }, 20s));
  cinema.engines().fault("hang");
  const auto waiting = cinema.open("tv");
  REQUIRE(wait_until([&] { return clients_of(cinema.service().get(page())).size() == 1; }, 15s));
  CHECK(tell(cinema, "DELETE", page()).status == 202);
  CHECK_THAT(rest_of(waiting), Catch::Contains(R"("code":"ended")"));
  CHECK(wait_until([&] { return cinema.service().get(page()).status == 404; }, 15s));
}
