// Films: not shared, but served whole or in parts, each viewer from an engine session of its own.

#include <fmt/format.h>

#include <set>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/cinema.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr auto kSize = kFilmSize;

std::string header(const HttpReply& reply, std::string_view name) {
  return reply.headers.find(name).value_or("");
}

}  // namespace

TEST_CASE("a film is served whole, with its length and type", "[film]") {
  const Cinema cinema{1};
  for (int round = 0; round < 2; ++round) {  // the first one comes as for a stream
    const auto reply = cinema.ask("tv");
    REQUIRE(reply.status == 200);
    CHECK(header(reply, "content-length") == std::to_string(kSize));
    CHECK(header(reply, "content-type") == "video/x-matroska");
    CHECK(header(reply, "accept-ranges") == "bytes");
    CHECK(reply.is_complete);
    CHECK(reply.body == film(0, kSize));
  }
  CHECK(cinema.total("sessions_opened") == 1);  // the second one found it
}

TEST_CASE("parts of a film come out of one engine session", "[film]") {
  const Cinema cinema{2};
  const auto check_part = [&](const std::string& range, std::uint64_t first, std::uint64_t count) {
    CAPTURE(range);
    const auto reply = cinema.ask("tv", range);
    CHECK(reply.status == 206);
    CHECK(header(reply, "content-range") ==
          fmt::format("bytes {}-{}/{}", first, first + count - 1, kSize));
    CHECK(header(reply, "content-length") == std::to_string(count));
    CHECK(reply.body == film(first, count));
  };
  check_part("0-99", 0, 100);
  check_part("2000000-2000999", 2'000'000, 1000);
  check_part("-500", kSize - 500, 500);
  check_part("2999000-", 2'999'000, kSize - 2'999'000);
  check_part("0-", 0, kSize);
  const auto beyond = cinema.ask("tv", "3000017-");
  CHECK(beyond.status == 416);
  CHECK(beyond.is_complete);
  CHECK(beyond.body.empty());  // the engine has words for it
  CHECK(header(beyond, "content-range") == fmt::format("bytes */{}", kSize));
  for (const auto* nonsense : {"1-2,5-6", "x-y", "9-1", "-", "1-2-3", "18446744073709551616-"}) {
    CAPTURE(nonsense);
    CHECK(cinema.ask("tv", nonsense).status == 200);
  }
  CHECK(cinema.total("sessions_opened") == 1);
  // Nobody asks any more: the engine is told.
  CHECK(wait_until([&] { return cinema.total("sessions_alive") == 0; }, 20s));
  CHECK(cinema.total("stops_received") == 1);
}

TEST_CASE("an engine without ranges is passed on as it is", "[film]") {
  const Cinema cinema{1};
  cinema.engines().fault("no_ranges");
  const auto reply = cinema.ask("tv", "100-");
  CHECK(reply.status == 200);
  CHECK(header(reply, "accept-ranges") == "none");
  CHECK(reply.body == film(0, kSize));
}

TEST_CASE("HEAD tells what is known of a film, and starts nothing", "[film]") {
  const Cinema cinema{1};
  CHECK(header(cinema.ask("tv", "", "HEAD"), "content-type") == "video/mp2t");
  CHECK(cinema.total("sessions_opened") == 0);
  CHECK(cinema.ask("tv", "0-9").status == 206);
  for (int i = 0; i < 10; ++i) {  // whichever worker answers
    const auto head = cinema.ask("tv", "", "HEAD");
    CHECK(head.status == 200);
    CHECK(header(head, "content-length") == std::to_string(kSize));
    CHECK(header(head, "accept-ranges") == "bytes");
    CHECK(head.body.empty());
  }
  CHECK(cinema.total("sessions_opened") == 1);
}

TEST_CASE("each viewer of a film has an engine, and who finds none is told", "[film]") {
  const std::uint64_t size = 24'000'000;  // more than sockets hold
  Cinema cinema{2, {.size = size}};
  const auto first = cinema.open("one");
  REQUIRE(has_begun(first));
  const auto second = cinema.open("two");
  REQUIRE(has_begun(second));
  CHECK(cinema.total("sessions_alive") == 2);
  const auto refused = cinema.ask("three");
  CHECK(refused.status == 503);
  CHECK_THAT(refused.body, Catch::Contains("film_busy"));
  CHECK_FALSE(header(refused, "retry-after").empty());

  const auto rows = json_of(cinema.service().get("/streams").body);
  REQUIRE(rows.Size() == 2);
  std::set<std::string> engines;
  for (const auto& row : rows.GetArray()) {
    CHECK(row["id"].GetString() == stream_id(1));
    CHECK(std::string{"vod"} == row["kind"].GetString());
    CHECK(row["clients"].GetUint64() == 1);
    engines.insert(row["container_id"].GetString());
  }
  CHECK(engines.size() == 2);
  const auto page = json_of(cinema.service().get("/streams/" + stream_id(1)).body);
  CHECK(std::string{"vod"} == page["kind"].GetString());
  CHECK(page["clients"].GetUint64() == 2);
  // The first one was counted as a stream before.
  const auto have_one_each = [&] {
    const auto loads = json_of(cinema.service().get("/engines").body);
    return std::ranges::all_of(
        loads.GetArray(), [](const auto& engine) { return engine["streams"].GetUint64() == 1; });
  };
  CHECK(wait_until(have_one_each, 20s));

  const auto whole = film(0, size);
  CHECK(rest_of(first) == whole);
  CHECK(rest_of(second) == whole);
  CHECK(cinema.total("sessions_opened") == 2);
  CHECK(wait_until([&] { return cinema.total("sessions_alive") == 0; }, 20s));
  CHECK(wait_until([&] { return json_of(cinema.service().get("/streams").body).Empty(); }, 20s));
}

TEST_CASE("many who ask for a cold film at once get an engine each", "[film]") {
  const std::uint64_t size = 24'000'000;
  Cinema cinema{3, {.size = size, .workers = 4}};
  std::vector<ace::UniqueFd> viewers;
  for (int i = 0; i < 7; ++i) viewers.push_back(cinema.open(fmt::format("tv{}", i)));
  for (const auto& viewer : viewers) REQUIRE(has_begun(viewer));
  CHECK(cinema.total("sessions_max_alive") == 3);
  CHECK(cinema.total("sessions_opened") == 3);
  const auto whole = film(0, size);
  int served = 0;
  for (const auto& viewer : viewers) {
    const auto body = rest_of(viewer);
    if (body == whole)
      ++served;
    else
      CHECK_THAT(body, Catch::Contains("film_busy"));
  }
  CHECK(served == 3);
}

TEST_CASE("a viewer seeks though its last request is still open", "[film]") {
  const Cinema cinema{1, {.size = 24'000'000}};
  const auto watching = cinema.open("tv");
  REQUIRE(has_begun(watching));
  const auto reply = cinema.ask("tv", "20000000-20000999");
  CHECK(reply.status == 206);
  CHECK(reply.body == film(20'000'000, 1000));
  CHECK(cinema.total("sessions_opened") == 1);
  CHECK(exchange(watching, "", 60s).is_closed);  // what it read went to the next request
}

TEST_CASE("a film goes on from another engine where one fails", "[film]") {
  const std::uint64_t size = 40'000'000;
  const Cinema cinema{2, {.size = size}};
  const auto watching = cinema.open("tv");
  REQUIRE(has_begun(watching));
  cinema.engines().fault("refuse", "close", 0);
  cinema.engines().fault("cut", "reset", 0);
  CHECK(rest_of(watching) == film(0, size));
  CHECK(cinema.engines().state().engine(1, "sessions_opened") == 1);
}

TEST_CASE("a film that cannot go on does not end as if it were whole", "[film]") {
  const Cinema cinema{1, {.size = 24'000'000}};
  const auto watching = cinema.open("tv");
  REQUIRE(has_begun(watching));
  cinema.engines().fault("refuse", "close");
  cinema.engines().fault("cut", "reset");
  CHECK(rest_of(watching).size() < 24'000'000);
}

TEST_CASE("a viewer that does not read holds no memory", "[film]") {
  Cinema cinema{1, {.size = 400'000'000, .workers = 1}};
  CHECK(cinema.ask("tv", "0-99").status == 206);
  const auto worker = cinema.service().workers().front().pid;
  const auto before = resident_bytes(worker);
  const auto watching = cinema.open("tv");
  REQUIRE(has_begun(watching));
  // The engine is held back when the sockets in between are full.
  std::uint64_t sent = 0;
  int still = 0;
  CHECK(wait_until(
      [&] {
        const auto now = cinema.total("bytes_sent");
        still = std::exchange(sent, now) == now ? still + 1 : 0;
        return still == 100;
      },
      60s));
  if (!kIsSanitized) CHECK(resident_bytes(worker) < before + 8'000'000);
  CHECK(sent < 100'000'000);
}

TEST_CASE("who stops the proxy stops its films", "[film]") {
  Cinema cinema{1, {.size = 24'000'000}};
  const auto watching = cinema.open("tv");
  REQUIRE(has_begun(watching));
  const auto ended = cinema.service().proxy().terminate(30s);
  REQUIRE(ended);
  CHECK(ended->code == 0);
  // It does not wait for the engine's answer.
  CHECK(wait_until([&] { return cinema.total("stops_received") == 1; }, 20s));
  CHECK(cinema.total("sessions_alive") == 0);
}

TEST_CASE("an engine that refuses a film is told of", "[film]") {
  const Cinema cinema{1};
  CHECK(cinema.ask("tv", "0-9").status == 206);
  REQUIRE(wait_until([&] { return cinema.total("sessions_alive") == 0; }, 20s));
  cinema.engines().fault("error_json", "no such film");
  const auto reply = cinema.ask("tv");
  CHECK(reply.status == 502);
  CHECK_THAT(reply.body, Catch::Contains("no such film"));
}

TEST_CASE("without Redis films are served all the same", "[film]") {
  const Service service{{.workers = 3, .engines = 2, .redis = RedisIs::Away}};
  for (const std::size_t engine : {0U, 1U}) {
    service.engines().fault("vod", std::to_string(kSize), engine);
  }
  for (int i = 0; i < 4; ++i) {
    const auto reply = service.get(stream_target(stream_id(1)));
    CHECK(reply.status == 200);
    CHECK(reply.body == film(0, kSize));
  }
}
