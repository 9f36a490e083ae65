// What one client, or too many of them, may take of the proxy.

#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <filesystem>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/http_request.h"
#include "tests/support/process/resident_memory.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

ServiceOptions with(ProxyProcess::Environment environment) {
  return {.workers = 2, .bitrate = 1'000'000, .environment = std::move(environment)};
}

void check_told_later(const HttpReply& reply, const std::string& code) {
  INFO(reply.body);
  CHECK(reply.status == 503);
  CHECK(reply.headers.find("retry-after"));
  CHECK_THAT(reply.body, Catch::Contains('"' + code + '"'));
}

std::size_t descriptors_of(pid_t process) {
  const std::filesystem::directory_iterator open{"/proc/" + std::to_string(process) + "/fd"};
  return static_cast<std::size_t>(std::distance(begin(open), end(open)));
}

/// The number that the process's next descriptor gets.
std::size_t next_descriptor_of(pid_t process) {
  const auto folder = "/proc/" + std::to_string(process) + "/fd/";
  std::size_t number = 0;
  while (std::filesystem::is_symlink(folder + std::to_string(number))) ++number;
  return number;
}

void limit_descriptors(pid_t process, std::size_t most) {
  rlimit limit{};
  REQUIRE(::prlimit(process, RLIMIT_NOFILE, nullptr, &limit) == 0);
  limit.rlim_cur = std::min<rlim_t>(most, limit.rlim_max);
  REQUIRE(::prlimit(process, RLIMIT_NOFILE, &limit, nullptr) == 0);
}

std::chrono::nanoseconds cpu_time_of(pid_t process) {
  clockid_t clock{};
  timespec time{};
  REQUIRE(::clock_getcpuclockid(process, &clock) == 0);
  REQUIRE(::clock_gettime(clock, &time) == 0);
  return std::chrono::seconds{time.tv_sec} + std::chrono::nanoseconds{time.tv_nsec};
}

/// Sends a byte every 50 ms until the proxy has had enough. @returns what it said.
RawReply drip(const Service& service, const std::string& bytes, std::chrono::milliseconds most) {
  const auto connection = connect_loopback(service.port());
  const auto end = std::chrono::steady_clock::now() + most;
  RawReply reply;
  for (std::size_t at = 0; std::chrono::steady_clock::now() < end; ++at) {
    const auto next = bytes.substr(std::min(at, bytes.size()), 1);
    const auto heard = exchange(connection, next, 50ms);
    reply.bytes += heard.bytes;
    reply.is_closed = heard.is_closed;
    if (heard.is_closed) break;
  }
  return reply;
}

constexpr auto kPatience = 30s;

}  // namespace

TEST_CASE("a request that comes too slowly is ended by 408", "[limits]") {
  const Service service{with({{"PROXY_HEADER_TIMEOUT", "1s"}, {"PROXY_IDLE_TIMEOUT", "20s"}})};
  const auto line = "GET " + stream_target(stream_id(1)) + " HTTP/1.1\r\nHost: proxy\r\n";
  const auto post =
      "POST /engines HTTP/1.1\r\nHost: localhost\r\n"
      "Content-Type: application/json\r\nContent-Length: 9\r\n\r\nabc";
  for (const auto& begun :
       {std::string{"G"}, line, line + "X: " + std::string(600, 'y'), std::string{post}}) {
    INFO(begun);
    const auto since = std::chrono::steady_clock::now();
    const auto reply = exchange(connect_loopback(service.port()), begun, kPatience);
    const auto after = std::chrono::steady_clock::now() - since;
    CHECK(reply.is_closed);
    CHECK_THAT(reply.bytes, Catch::StartsWith("HTTP/1.1 408 "));
    CHECK(after >= 950ms);
    CHECK(after < 10s);
  }
  // Bytes that keep coming do not buy time.
  const auto dripped = drip(service, line + std::string(2'000, 'x'), kPatience);
  CHECK(dripped.is_closed);
  CHECK_THAT(dripped.bytes, Catch::StartsWith("HTTP/1.1 408 "));
  CHECK(service.engines().state().requests(0, "getstream") == 0);
}

TEST_CASE("a late first byte buys no time", "[limits]") {
  const Service service{with({{"PROXY_HEADER_TIMEOUT", "10s"}})};
  const auto connection = connect_loopback(service.port());
  const auto since = std::chrono::steady_clock::now();
  REQUIRE_FALSE(exchange(connection, "", 6s).is_closed);
  const auto reply = exchange(connection, "G", kPatience);
  CHECK(std::chrono::steady_clock::now() - since < 15s);  // and not 6 s + 10 s
  CHECK(reply.is_closed);
  CHECK_THAT(reply.bytes, Catch::StartsWith("HTTP/1.1 408 "));
}

TEST_CASE("a connection that says nothing is closed without a word", "[limits]") {
  const Service service{with({{"PROXY_HEADER_TIMEOUT", "1s"}, {"PROXY_IDLE_TIMEOUT", "2s"}})};
  for (const auto* said : {"", "\r\n"}) {
    const auto silent = exchange(connect_loopback(service.port()), said, kPatience);
    CHECK(silent.is_closed);
    CHECK(silent.bytes.empty());
  }
  const auto since = std::chrono::steady_clock::now();
  const auto kept = exchange(connect_loopback(service.port()),
                             "GET /healthz HTTP/1.1\r\nHost: proxy\r\n\r\n", kPatience);
  CHECK(kept.is_closed);
  CHECK_THAT(kept.bytes, Catch::StartsWith("HTTP/1.1 200 ") && Catch::EndsWith("}"));
  CHECK(std::chrono::steady_clock::now() - since >= 1950ms);
}

TEST_CASE("one client more than the host takes is told to come later", "[limits]") {
  const Service service{with({{"PROXY_MAX_CLIENTS", "3"}})};
  Viewers viewers{service.port()};
  for (unsigned i = 1; i <= 3; ++i) viewers.open(1, stream_target(stream_id(i)));
  REQUIRE(all_served(viewers, kPatience));
  const auto target = stream_target(stream_id(4));
  for (int i = 0; i < 4; ++i) check_told_later(service.get(target), "too_many_clients");
  CHECK(http_request(service.port(), "HEAD", target).status == 200);
  CHECK(service.get("/healthz").status == 200);
  CHECK(service.engines().state().stream(stream_id(4)).opened == 0);

  viewers.close(0);
  const auto has_room = [&] {
    const auto rows = service.workers();
    return rows.at(0).clients + rows.at(1).clients < 3;
  };
  REQUIRE(wait_until(has_room, kPatience));
  const auto next = viewers.open(1, target);
  CHECK(viewers.run_until([&] { return viewers.at(next).bytes() > 0; }, kPatience));
}

TEST_CASE("one client more than a stream takes is told so, another stream is free", "[limits]") {
  const Service service{with({{"PROXY_MAX_CLIENTS_PER_STREAM", "2"}})};
  const auto target = stream_target(stream_id(1));
  Viewers viewers{service.port()};
  viewers.open(2, target);
  REQUIRE(all_served(viewers, kPatience));
  for (int i = 0; i < 4; ++i) check_told_later(service.get(target), "stream_full");
  const auto other = viewers.open(1, stream_target(stream_id(2)));
  CHECK(viewers.run_until([&] { return viewers.at(other).bytes() > 0; }, kPatience));

  viewers.close(0);
  const auto has_room = [&] {
    const auto streams = service.started_streams();
    return std::ranges::all_of(streams, [](const auto& stream) { return stream.clients < 2; });
  };
  REQUIRE(wait_until(has_room, kPatience));
  const auto next = viewers.open(1, target);
  CHECK(viewers.run_until([&] { return viewers.at(next).bytes() > 0; }, kPatience));
}

TEST_CASE("an address that starts too many streams is told so, others are served", "[limits]") {
  const Service service{
      with({{"PROXY_MAX_STARTS_PER_ADDRESS", "4"}, {"PROXY_TRUSTED_PROXIES", "127.0.0.1"}})};
  const auto from = [](const std::string& address) {
    ViewerOptions options;
    options.headers = {{"X-Forwarded-For", address}};
    return options;
  };
  const auto crowd = from("192.0.2.1");
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)), crowd);
  REQUIRE(all_served(viewers, kPatience));
  viewers.close(0);
  REQUIRE(wait_until([&] { return json_of(service.get("/streams").body).Empty(); }, kPatience));

  service.engines().fault("hang");
  for (unsigned i = 11; i <= 14; ++i) viewers.open(1, stream_target(stream_id(i)), crowd);
  const auto are_starting = [&] { return json_of(service.get("/streams").body).Size() == 4; };
  REQUIRE(viewers.run_until(are_starting, kPatience));
  for (int i = 0; i < 4; ++i) {
    check_told_later(http_request(service.port(), "GET", stream_target(stream_id(15)),
                                  {{"X-Forwarded-For", "192.0.2.1"}}),
                     "too_many_starts");
  }
  CHECK_THAT(service.get("/metrics").body,
             Catch::Contains("ace_proxy_refused_clients_total{reason=\"too_many_starts\"} 4"));

  service.engines().clear_faults();
  const auto other = viewers.open(1, stream_target(stream_id(16)), from("192.0.2.2"));
  const auto known = viewers.open(1, stream_target(stream_id(1)), crowd);
  const auto are_served = [&] {
    return viewers.at(other).bytes() > 0 && viewers.at(known).bytes() > 0;
  };
  CHECK(viewers.run_until(are_served, kPatience));
}

TEST_CASE("connections beyond the descriptors that may be had are told 503", "[limits]") {
  const Service service{with({})};
  Viewers viewers{service.port()};
  viewers.open(4, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, kPatience));
  const auto workers = service.workers();
  constexpr std::size_t kReserve = 16;
  std::vector<std::size_t> most;
  for (const auto& row : workers) {
    most.push_back(descriptors_of(row.pid) + 20);
    limit_descriptors(row.pid, most.back() + kReserve);
  }
  std::vector<ace::UniqueFd> crowd;
  for (int i = 0; i < 100; ++i) crowd.push_back(connect_loopback(service.port()));
  // Each worker has room for 20 at most; nobody else is let in, and told so.
  HttpReply refused;
  const auto is_refused = [&] {  // by one of them: the other may have room yet
    refused = service.get("/healthz");
    return refused.status == 503;
  };
  REQUIRE(wait_until(is_refused, kPatience));
  check_told_later(refused, "too_many_connections");
  for (std::size_t i = 0; i < workers.size(); ++i) {
    CHECK(descriptors_of(workers[i].pid) <=
          most[i] + 3);  // who is being told so, and questions to engines
  }
  viewers.run_for(1s);
  CHECK(viewers.count(ViewerState::Streaming) == 4);
  CHECK(viewers.faults().empty());

  crowd.clear();
  CHECK(wait_until([&] { return service.get("/healthz").status == 200; }, kPatience));
  const auto next = viewers.open(1, stream_target(stream_id(2)));
  CHECK(viewers.run_until([&] { return viewers.at(next).bytes() > 0; }, kPatience));
}

TEST_CASE("without a free descriptor the proxy serves on, and does not spin", "[limits]") {
  // The sanitizer looks at memory through a pipe, and takes good objects for bad without one.
  if (kIsSanitized) return;
  Service service{with({})};
  Viewers viewers{service.port()};
  viewers.open(4, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, kPatience));
  const auto workers = service.workers();
  for (const auto& row : workers) limit_descriptors(row.pid, next_descriptor_of(row.pid));
  std::vector<ace::UniqueFd> crowd;
  for (int i = 0; i < 50; ++i) crowd.push_back(connect_loopback(service.port()));

  std::vector<std::chrono::nanoseconds> before;
  for (const auto& row : workers) before.push_back(cpu_time_of(row.pid));
  const auto since = std::chrono::steady_clock::now();
  viewers.run_for(3s);
  const auto lasted = std::chrono::steady_clock::now() - since;
  for (std::size_t i = 0; i < workers.size(); ++i) {
    CHECK(cpu_time_of(workers[i].pid) - before[i] < lasted / 5);
  }
  const auto has_rested = [&] { return count_events(service.proxy().log(), "out_of_descriptors"); };
  CHECK(viewers.run_until([&] { return has_rested() > 0; }, kPatience));
  const auto now = std::chrono::steady_clock::now();
  const auto rests = has_rested();
  CHECK(rests <= workers.size() * static_cast<std::size_t>((now - since) / 100ms + 20));
  CHECK(viewers.count(ViewerState::Streaming) == 4);
  CHECK(viewers.faults().empty());
  const auto so_far = viewers.at(0).bytes();
  CHECK(viewers.run_until([&] { return viewers.at(0).bytes() > so_far + 250'000; }, kPatience));

  crowd.clear();
  for (const auto& row : workers) limit_descriptors(row.pid, 1'000);
  CHECK(wait_until([&] { return service.get("/healthz").status == 200; }, kPatience));
}
