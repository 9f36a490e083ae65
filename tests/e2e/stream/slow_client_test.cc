#include <signal.h>

#include <algorithm>
#include <array>
#include <string>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kBitrate = 4'000'000;
/// As many as an owner of 4 workers takes before clients are spread.
constexpr std::size_t kOwnersShare = 8;

/// Little room on the way: what it does not read waits in the proxy.
ViewerOptions narrow() {
  ViewerOptions options;
  options.receive_buffer = 32'768;
  return options;
}

std::uint64_t skips_told(const Service& service) {
  std::uint64_t skips = 0;
  const auto workers = json_of(service.get("/workers").body);
  for (const auto& worker : workers.GetArray()) skips += worker["clients_skipped"].GetUint64();
  return skips;
}

/// Of the only client's record.
std::string record_field(const Service& service, const std::string& id, const std::string& field) {
  const auto clients = service.redis({"SMEMBERS", stream_key(id, "clients")});
  REQUIRE(clients.elements.size() == 1);
  return service.redis({"HGET", stream_key(id, "clients:" + clients.elements[0].text), field}).text;
}

}  // namespace

TEST_CASE("a client that stood still gets what it missed out of the buffer", "[slow]") {
  const bool is_follower = GENERATE(false, true);
  // 5 s in memory, 60 s in Redis.
  const Service service{{.bitrate = kBitrate, .environment = {{"PROXY_JOIN_BURST", "1s"}}}};
  const auto target = stream_target(stream_id(1));
  Viewers others{service.port()};
  others.open(is_follower ? kOwnersShare : 1, target);
  REQUIRE(all_served(others, 20s));
  Viewers paused{service.port()};
  paused.open(2, target, narrow());  // of one place, so they share what is read back
  REQUIRE(all_served(paused, 20s));
  REQUIRE((paused.at(0).worker() != service.owner().id) == is_follower);
  const auto before = paused.at(0).checker().last_seq();
  REQUIRE(before);

  // Seconds more than memory holds.
  const auto is_far_ahead = [&] {
    return others.at(0).checker().last_seq() > *before + 12 * kBitrate / 8 / kTsPacketSize;
  };
  REQUIRE(others.run_until(is_far_ahead, 25s));
  const auto live = others.at(0).checker().last_seq();
  const auto has_caught_up = [&] {
    return std::ranges::all_of(std::array{0U, 1U},
                               [&](auto i) { return paused.at(i).checker().last_seq() > live; });
  };
  REQUIRE(paused.run_until(has_caught_up, 20s));
  CHECK(paused.faults().empty());
  CHECK(paused.at(0).checker().counts().missing == 0);
  CHECK(paused.at(1).checker().counts().missing == 0);
  CHECK(skips_told(service) == 0);
  CHECK(others.faults().empty());
}

TEST_CASE("a client that leaves the buffer jumps, marked and counted, and others notice nothing",
          "[slow]") {
  const Service service{{.workers = 2,
                         .bitrate = kBitrate,
                         .environment = {{"PROXY_JOIN_BURST", "1s"},
                                         {"PROXY_BUFFER_TTL", "5s"},
                                         {"PROXY_HEARTBEAT_INTERVAL", "1s"}}}};
  const auto target = stream_target(stream_id(1));
  Viewers viewers{service.port()};
  viewers.open(50, target);
  REQUIRE(all_served(viewers, 20s));
  auto options = narrow();
  options.read_limit = kBitrate / 8 / 10;
  const auto slow = viewers.open(1, target, options);
  const auto has_jumped = [&] { return viewers.at(slow).checker().counts().marked_skips >= 2; };
  CHECK(viewers.run_until(has_jumped, 60s));

  CHECK(viewers.faults().empty());
  CHECK(viewers.at(slow).state() == ViewerState::Streaming);
  CHECK(viewers.run_until([&] { return skips_told(service) >= 2; }, 20s));
  for (std::size_t i = 0; i < 50; ++i) CHECK(viewers.at(i).checker().counts().missing == 0);
}

TEST_CASE("a client that takes a little all the time is kept, however slow", "[slow]") {
  // Its window is never as large as a segment of loopback.
  const Service service{
      {.workers = 1, .bitrate = kBitrate, .environment = {{"PROXY_STALLED_CLIENT_TIMEOUT", "5s"}}}};
  Viewers viewers{service.port()};
  ViewerOptions options;
  options.receive_buffer = 8'192;
  options.read_limit = 20'000;
  viewers.open(1, stream_target(stream_id(1)), options);
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(12s);
  const auto got = viewers.at(0).bytes();
  CHECK(viewers.run_until([&] { return viewers.at(0).bytes() > got + 20'000; }, 20s));
  CHECK(viewers.at(0).state() == ViewerState::Streaming);
}

TEST_CASE("a client that takes nothing is closed, and the log says so", "[slow]") {
  Service service{
      {.workers = 1, .bitrate = kBitrate, .environment = {{"PROXY_STALLED_CLIENT_TIMEOUT", "2s"}}}};
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)), narrow());
  REQUIRE(all_served(viewers, 20s));
  // It stands still now, and acknowledges what the kernel asks.
  const auto has_ended = [&] {
    return count_events(service.proxy().log(), "client_disconnected") == 1;
  };
  REQUIRE(wait_until(has_ended, 30s));
  CHECK_THAT(service.proxy().log(), Catch::Contains("why=\"takes no data\""));
  // What the proxy's kernel still held went with it.
  REQUIRE(viewers.run_until([&] { return viewers.at(0).state() != ViewerState::Streaming; }, 20s));
  CHECK(viewers.at(0).state() == ViewerState::Reset);
}

TEST_CASE("a client's record tells what has arrived and how far behind it is", "[slow]") {
  const Service service{
      {.workers = 1,
       .bitrate = kBitrate,
       .environment = {{"PROXY_JOIN_BURST", "1s"}, {"PROXY_HEARTBEAT_INTERVAL", "1s"}}}};
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(id), narrow());
  REQUIRE(all_served(viewers, 20s));
  // It stands still now.
  const auto is_behind = [&] { return std::stod(record_field(service, id, "lag")) > 3; };
  REQUIRE(wait_until(is_behind, 20s));
  const auto told = std::stoull(record_field(service, id, "bytes_sent"));
  const auto active = record_field(service, id, "last_active");
  CHECK(told > 0);
  // Beyond what it has read lies what its own kernel has room for, and nothing of ours.
  CHECK(told < viewers.at(0).bytes() + 4 * 32'768);
  CHECK(wait_until([&] { return std::stod(record_field(service, id, "lag")) > 5; }, 20s));
  CHECK(record_field(service, id, "last_active") == active);
}

TEST_CASE("clients' figures are told long before their first heartbeat", "[slow]") {
  const Service service{
      {.workers = 2, .bitrate = kBitrate, .environment = {{"PROXY_HEARTBEAT_INTERVAL", "5min"}}}};
  Viewers viewers{service.port()};
  viewers.open(20, stream_target(stream_id(1)), {.discard = true});
  REQUIRE(all_served(viewers, 20s));
  REQUIRE(viewers.workers().size() == 2);
  // By whichever worker, of the other one's clients too.
  const auto are_told = [](const HttpReply& reply) {
    const auto page = json_of(reply.body);
    const auto clients = page["client_list"].GetArray();
    return clients.Size() == 20 && std::ranges::all_of(clients, [](const auto& client) {
             return client["bytes_sent"].GetUint64() > 0;
           });
  };
  CHECK(service.every_worker("/streams/" + stream_id(1), are_told, 30s));
}

TEST_CASE("a client draws no more than its cap", "[slow]") {
  // A quarter of what the stream needs: it is a slow client, by order.
  Service service{{.workers = 2,
                   .bitrate = kBitrate,
                   .environment = {{"PROXY_CLIENT_MAX_BITRATE", "1000000"},
                                   {"PROXY_CLIENT_RATE_BURST", "1s"},
                                   {"PROXY_JOIN_BURST", "1s"}}}};
  const ace::SystemClock clock;
  const auto start = clock.now();
  Viewers viewers{service.port()};
  viewers.open(12, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(6s);
  CHECK(
      viewers.run_until([&] { return viewers.count_with_bytes(400'000) == viewers.size(); }, 20s));
  const auto seconds = std::chrono::duration<double>{clock.now() - start}.count();
  // A second of the stream at once, and a chunk over: writes are made of whole ones.
  const auto most = kBitrate / 8.0 + 100'000 + 125'000 * seconds;
  CHECK(viewers.workers().size() == 2);
  CHECK(viewers.count(ViewerState::Streaming) == viewers.size());
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    CHECK(static_cast<double>(viewers.at(i).bytes()) < most);
  }
  CHECK(viewers.faults().empty());
}

TEST_CASE("a decoder goes on behind what it was too slow for", "[slow]") {
  if (!is_long_run()) return;
  const Service service{{.workers = 1,
                         .source = "ffmpeg",
                         .environment = {{"PROXY_BUFFER_TTL", "5s"}, {"PROXY_JOIN_BURST", "2s"}}}};
  const auto target = stream_target(stream_id(1));
  Viewers others{service.port()};
  others.open(1, target, {.discard = true});
  REQUIRE(all_served(others, 10s));
  others.run_for(3s);
  const auto url = "http://127.0.0.1:" + std::to_string(service.port()) + target;
  ChildProcess player{"ffmpeg",
                      "/usr/bin/ffmpeg",
                      {.arguments = {"-nostdin", "-v", "error", "-xerror", "-i", url, "-t", "30",
                                     "-f", "null", "-"}}};
  const auto has_joined = [&] { return service.started_streams().front().clients == 2; };
  REQUIRE(others.run_until(has_joined, 10s));
  others.run_for(2s);
  player.signal(SIGSTOP);
  // Its sockets hold some seconds, and Redis five.
  others.run_for(20s);
  player.signal(SIGCONT);
  REQUIRE(others.run_until([&] { return skips_told(service) > 0; }, 10s));
  REQUIRE(others.run_until([&] { return !player.is_alive(); }, 60s));
  CHECK(player.wait(0ms)->code == 0);
  CHECK(player.log() == "");
}
