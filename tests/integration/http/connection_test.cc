#include "workers/http/connection.h"

#include <string>

#include <catch2/catch.hpp>

#include "tests/support/connection/connection_bench.h"

using namespace std::chrono_literals;
using ace::http::Connection;
using ace::http::StrangerBytes;
using ace::test::ConnectionBench;

namespace {

constexpr StrangerBytes::Limits kTight{.total = 50'000, .per_address = 50'000};

std::string get(const std::string& path) { return "GET " + path + " HTTP/1.1\r\nHost: h\r\n\r\n"; }

/// The head of a POST and the first bytes of its body.
std::string post(const std::string& path, std::size_t size, std::size_t sent) {
  return "POST " + path + " HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(size) +
         "\r\n\r\n" + std::string(sent, 'b');
}

}  // namespace

TEST_CASE("a connection answers a few requests a turn, however many it was sent", "[connection]") {
  ConnectionBench bench;
  std::string pipeline;
  for (int i = 0; i < 100; ++i) pipeline += get("/now");
  bench.send(pipeline);  // two turns
  std::size_t before = bench.requests();
  CHECK(before <= 2 * Connection::kRequestsPerTurn);
  for (int turn = 0; turn < 100 && bench.requests() < 100; ++turn) {
    bench.run_turns(1);
    CHECK(bench.requests() - before <= Connection::kRequestsPerTurn);
    before = bench.requests();
  }
  CHECK(bench.requests() == 100);
}

TEST_CASE("a body that nobody wants is not read", "[connection]") {
  for (const auto& [path, status] :
       {std::pair{"/locked", "401"}, std::pair{"/nothing", "404"}, std::pair{"/now", "405"}}) {
    INFO(path);
    ConnectionBench bench;
    bench.send(post(path, 60'000, 0));
    const auto answer = bench.received();
    CHECK_THAT(answer, Catch::StartsWith(std::string{"HTTP/1.1 "} + status) &&
                           Catch::Contains("Connection: close\r\n"));
    bench.send(std::string(60'000, 'b'));
    CHECK(bench.requests() == 0);
    CHECK(bench.slot().stranger_bytes == 0);
    bench.end();
    CHECK(bench.run_to_end());
  }
}

TEST_CASE("who waits to be asked for a body is told at once that nobody wants it", "[connection]") {
  ConnectionBench bench;
  const std::string expecting =
      "POST /locked HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
  bench.send(expecting);
  CHECK_THAT(bench.received(), Catch::StartsWith("HTTP/1.1 401 "));
  ConnectionBench wanted;
  wanted.send(
      "POST /body HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
  CHECK(wanted.received() == "HTTP/1.1 100 Continue\r\n\r\n");
  wanted.send("hello");
  CHECK_THAT(wanted.received(), Catch::StartsWith("HTTP/1.1 201 "));
}

TEST_CASE("half a request counts as held until the connection ends", "[connection]") {
  ConnectionBench bench;
  bench.send(post("/body", 65'001, 65'000));
  bench.run_turns(10);
  CHECK(bench.slot().stranger_bytes >= 130'000);
  CHECK(bench.slot().stranger_bytes <= 400'000);
  bench.send("b");
  CHECK_THAT(bench.received(), Catch::StartsWith("HTTP/1.1 201 "));
  CHECK(bench.slot().stranger_bytes == 0);
  bench.send(get("/now").substr(0, 20));
  CHECK(bench.slot().stranger_bytes > 0);
  bench.end();
  CHECK(bench.run_to_end());
  CHECK(bench.slot().stranger_bytes == 0);
}

TEST_CASE("where no more may be held, half a request is told so", "[connection]") {
  ConnectionBench bench{kTight};
  bench.send(post("/body", 65'001, 65'000));
  bench.run_turns(10);
  CHECK_THAT(bench.received(), Catch::StartsWith("HTTP/1.1 503 "));
  CHECK(bench.slot().stranger_bytes == 0);
  CHECK(bench.slot().strangers_refused > 0);
  bench.end();
  CHECK(bench.run_to_end());
}

TEST_CASE("an answer that is not read counts as held", "[connection]") {
  ConnectionBench bench;
  bench.send(get("/large"));
  CHECK(bench.slot().stranger_bytes >= ConnectionBench::kLargeBytes);
  std::size_t size = bench.received().size();
  for (int i = 0; i < 1'000 && size < ConnectionBench::kLargeBytes; ++i) {
    bench.run_turns(1);
    size += bench.received().size();
  }
  CHECK(size > ConnectionBench::kLargeBytes);
  bench.run_turns(2);
  CHECK(bench.slot().stranger_bytes == 0);
  bench.send(get("/now"));
  CHECK_THAT(bench.received(), Catch::StartsWith("HTTP/1.1 200 "));
}

TEST_CASE("where no more may be held, an answer that is not read is cut off", "[connection]") {
  ConnectionBench bench{kTight};
  bench.send(get("/large"));
  CHECK(bench.run_to_end());
  CHECK(bench.slot().stranger_bytes == 0);
}
