// Streams, clients and sessions that are told to move or to end.

#include <fmt/format.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/two_hosts.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

const HeaderList kKey{{"Authorization", "Bearer sesame"}, {"Content-Length", "0"}};
const ProxyProcess::Environment kSettings{{"API_KEY", "sesame"}};

int tell(std::uint16_t port, std::string_view method, std::string_view target,
         const HeaderList& headers = kKey) {
  return http_request(port, method, target, headers).status;
}

std::string page_of(std::string_view id) { return fmt::format("/streams/{}", id); }

/// Runs the viewers until it is so; asked ten times a second.
bool becomes(Viewers& viewers, const std::function<bool()>& is_so) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!is_so()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    viewers.run_for(100ms);
  }
  return true;
}

bool all_go_on(Viewers& viewers) {
  const auto before = bytes_of(viewers);
  return viewers.run_until([&] { return all_beyond(viewers, before, 200'000); }, 30s);
}

/// Viewers of one stream over all workers, and two engines.
struct World {
  explicit World(RedisIs redis, std::size_t count = 10, unsigned workers = 2)
      : service{{.workers = workers,
                 .engines = 2,
                 .bitrate = 1'000'000,
                 .redis = redis,
                 .environment = kSettings}} {
    viewers.open(count, stream_target(id));
    REQUIRE(all_served(viewers, 15s));
    playing = service.engines().state().stream(0, id).alive == 1 ? 0 : 1;
    other = 1 - playing;
  }
  [[nodiscard]] std::uint64_t alive(std::size_t engine) const {
    return service.engines().state().stream(engine, id).alive;
  }
  [[nodiscard]] std::string engine_id(std::size_t engine) const {
    return fmt::format("127.0.0.1:{}", service.engines().port(engine));
  }
  [[nodiscard]] std::vector<std::string> clients() const {
    const auto json = json_of(service.get(page_of(id)).body);
    std::vector<std::string> ids;
    for (const auto& client : json["client_list"].GetArray()) {
      ids.emplace_back(client["id"].GetString());
    }
    return ids;
  }

  std::string id{stream_id(1)};
  Service service;
  Viewers viewers{service.port()};
  std::size_t playing{};
  std::size_t other{};
};

}  // namespace

TEST_CASE("a stream that is told to moves to another engine, and nobody notices", "[orders]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  const auto is_named = GENERATE(true, false);
  World world{redis};
  if (redis == RedisIs::There) REQUIRE(world.viewers.workers().size() == 2);
  auto target = page_of(world.id) + "/migrate";
  if (is_named) target += "?engine=" + world.engine_id(world.other);
  REQUIRE(tell(world.service.port(), "POST", target) == 202);
  CHECK(becomes(world.viewers,
                [&] { return world.alive(world.other) == 1 && world.alive(world.playing) == 0; }));
  CHECK(all_go_on(world.viewers));
  CHECK(world.viewers.faults().empty());
  CHECK(world.viewers.count(ViewerState::Streaming) == 10);
  CHECK(world.service.engines().state().stream(world.id).opened == 2);
  CHECK(becomes(world.viewers, [&] {
    return world.service.started_streams().at(0).container_id == world.engine_id(world.other);
  }));
}

TEST_CASE("a stream stays where it is when the other engine refuses", "[orders]") {
  World world{RedisIs::There, 4};
  world.service.engines().fault("refuse", "", world.other);
  const auto body = fmt::format(R"({{"engine":"{}"}})", world.engine_id(world.other));
  const auto reply =
      raw_exchange(world.service.port(),
                   fmt::format("POST {}/migrate HTTP/1.1\r\nHost: p\r\nConnection: close\r\n"
                               "Authorization: Bearer sesame\r\nContent-Length: {}\r\n"
                               "Content-Type: application/json\r\n\r\n{}",
                               page_of(world.id), body.size(), body),
                   10s);
  CHECK_THAT(reply, Catch::StartsWith("HTTP/1.1 202"));
  CHECK(becomes(world.viewers, [&] {
    return count_events(world.service.proxy().log(), "engine_session_failed") >= 1;
  }));
  CHECK(all_go_on(world.viewers));
  CHECK(world.alive(world.playing) == 1);
  CHECK(world.service.engines().state().stream(world.id).opened == 1);
  CHECK(world.service.started_streams().at(0).container_id == world.engine_id(world.playing));
  CHECK(world.viewers.faults().empty());
}

TEST_CASE("a stream that is ended ends properly, and can be asked for anew", "[orders]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  World world{redis, 24, 4};
  if (redis == RedisIs::There) REQUIRE(world.viewers.workers().size() > 1);
  REQUIRE(tell(world.service.port(), "DELETE", page_of(world.id)) == 202);
  CHECK(becomes(world.viewers, [&] { return world.viewers.count(ViewerState::Finished) == 24; }));
  CHECK(world.viewers.faults().empty());
  CHECK(wait_until([&] { return world.alive(world.playing) == 0; }, 10s));
  CHECK(wait_until([&] { return world.service.get(page_of(world.id)).status == 404; }, 10s));
  if (redis == RedisIs::There) {
    CHECK(wait_until(
        [&] {
          return world.service.redis_count({"KEYS", "ace_proxy:stream:*"}) == 0;
        },
        10s));
  }
  CHECK(world.service.engines().state().stream(world.id).opened == 1);  // nobody claimed it again

  Viewers anew{world.service.port()};
  anew.open(2, stream_target(world.id));
  CHECK(all_served(anew, 15s));
  CHECK(world.service.engines().state().stream(world.id).opened == 2);
  CHECK(anew.faults().empty());
}

TEST_CASE("one client is let go, the others stay", "[orders]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  World world{redis, 3};
  REQUIRE(wait_until([&] { return world.clients().size() == 3; }, 10s));
  const auto target = page_of(world.id) + "/clients/" + world.clients().front();
  REQUIRE(tell(world.service.port(), "DELETE", target) == 202);
  CHECK(becomes(world.viewers, [&] { return world.viewers.count(ViewerState::Finished) == 1; }));
  CHECK(wait_until([&] { return world.clients().size() == 2; }, 10s));
  const auto finished = world.viewers.at(0).is_over()   ? 0U
                        : world.viewers.at(1).is_over() ? 1U
                                                        : 2U;
  const auto bytes = world.viewers.total_bytes();
  CHECK(
      world.viewers.run_until([&] { return world.viewers.total_bytes() > bytes + 400'000; }, 30s));
  CHECK(world.viewers.at(finished).state() == ViewerState::Finished);
  CHECK(world.viewers.count(ViewerState::Streaming) == 2);
  CHECK(world.viewers.faults().empty());
  CHECK(world.service.engines().state().stream(world.id).opened == 1);
  if (redis == RedisIs::There) CHECK(tell(world.service.port(), "DELETE", target) == 404);
}

TEST_CASE("whoever is asked shows a stream with its clients", "[orders]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  World world{redis, 3};
  REQUIRE(wait_until([&] { return world.clients().size() == 3; }, 10s));
  for (int i = 0; i < 10; ++i) {  // some of these reach the worker that does not own it
    const auto reply = world.service.get(page_of(world.id));
    REQUIRE(reply.status == 200);
    const auto json = json_of(reply.body);
    CHECK(std::string{json["id"].GetString()} == world.id);
    CHECK(json["container_id"].GetString() == world.engine_id(world.playing));
    CHECK(json["clients"].GetUint() == 3);
    REQUIRE(json["client_list"].Size() == 3);
    const auto& client = json["client_list"][0];
    CHECK_THAT(client["address"].GetString(), Catch::StartsWith("127.0.0.1:"));
    CHECK(client["worker"].GetStringLength() > 0);
    CHECK(client["skips"].GetUint64() == 0);
  }
  CHECK(world.service.get(page_of(stream_id(9))).status == 404);
  CHECK(world.service.get("/streams/nonsense").status == 404);
}

TEST_CASE("an order that makes no sense is refused", "[orders]") {
  World world{RedisIs::There, 1};
  const auto port = world.service.port();
  const auto page = page_of(world.id);
  for (const auto& [method, target] : std::vector<std::pair<std::string, std::string>>{
           {"POST", page + "/migrate"},
           {"DELETE", page},
           {"DELETE", page + "/clients/x"},
           {"POST", "/engines/" + world.engine_id(0) + "/drain"},
           {"DELETE", "/engines/" + world.engine_id(0) + "/drain"}}) {
    CAPTURE(method, target);
    CHECK(tell(port, method, target, {{"Content-Length", "0"}}) == 401);
    auto foreign = kKey;
    foreign.emplace_back("Origin", "http://evil.example");
    CHECK(tell(port, method, target, foreign) == 403);
  }
  CHECK(tell(port, "POST", page + "/migrate?engine=nobody") == 404);
  CHECK(tell(port, "POST", page + "/migrate?engine=" + world.engine_id(world.playing)) == 409);
  CHECK(tell(port, "POST", page_of(stream_id(9)) + "/migrate") == 404);
  CHECK(tell(port, "DELETE", page_of(stream_id(9))) == 404);
  const auto code_of = [&](const std::string& target) {
    const auto reply = http_request(port, "DELETE", target, kKey);
    CHECK(reply.status == 404);
    return std::string{json_of(reply.body)["error"]["code"].GetString()};
  };
  CHECK(code_of(page + "/clients/nobody") == "no_such_client");
  CHECK(code_of(page_of(stream_id(9)) + "/clients/nobody") == "not_found");
  CHECK(tell(port, "POST", "/engines/nobody/drain") == 404);
  CHECK(tell(port, "GET", page + "/migrate") == 405);
  world.viewers.run_for(1s);
  CHECK(world.viewers.count(ViewerState::Streaming) == 1);
  CHECK(world.service.engines().state().stream(world.id).opened == 1);
}

TEST_CASE("orders reach a stream on another host", "[orders]") {
  TwoHosts hosts{{}, {.engines = 2, .bitrate = 1'000'000}, kSettings};
  hosts.watch(2, 2);
  const auto port = hosts.b->port();
  const auto playing = hosts.engines.state().stream(0, hosts.id).alive == 1 ? 0U : 1U;
  REQUIRE(tell(port, "POST", page_of(hosts.id) + "/migrate") == 202);
  CHECK(hosts.run_until(
      [&] {
        const auto state = hosts.engines.state();
        return state.stream(1 - playing, hosts.id).alive == 1 &&
               state.stream(playing, hosts.id).alive == 0;
      },
      30s));
  REQUIRE(tell(port, "DELETE", page_of(hosts.id)) == 202);
  CHECK(hosts.run_until(
      [&] {
        return hosts.at_a.count(ViewerState::Finished) + hosts.at_b.count(ViewerState::Finished) ==
               4;
      },
      30s));
  CHECK(hosts.at_a.faults().empty());
  CHECK(hosts.at_b.faults().empty());
  CHECK(wait_until([&] { return hosts.session().alive == 0 && hosts.keys() == 0; }, 10s));
  CHECK(hosts.session().opened == 2);
}

TEST_CASE("who leaves before Redis has answered is answered by nobody", "[orders]") {
  World world{RedisIs::There, 1};
  const auto workers = world.service.workers();
  const auto page = page_of(world.id);
  const std::vector<std::string> requests{"GET " + page, "GET /engines",
                                          "DELETE " + page + "/clients/x",
                                          "DELETE " + page_of(stream_id(9))};
  std::vector<ace::UniqueFd> leaving;
  world.service.redis_server().pause();
  for (int i = 0; i < 8; ++i) {
    for (const auto& request : requests) {
      leaving.push_back(connect_loopback(world.service.port()));
      const auto text = request + " HTTP/1.1\r\nHost: p\r\nAuthorization: Bearer sesame\r\n\r\n";
      REQUIRE(::send(leaving.back().get(), text.data(), text.size(), MSG_NOSIGNAL) ==
              static_cast<ssize_t>(text.size()));
    }
  }
  const auto all_read = [&] {  // accepted; most of them wait for Redis by then
    std::uint64_t waiting = 0;
    const auto rows = json_of(world.service.get("/workers").body);
    for (const auto& row : rows.GetArray()) {
      waiting += row["connections"].GetUint64();
    }
    return waiting >= leaving.size();
  };
  CHECK(wait_until(all_read, 10s));
  for (const auto& connection : leaving) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  leaving.clear();  // by resets
  world.viewers.run_for(200ms);
  world.service.redis_server().resume();
  CHECK(becomes(world.viewers, [&] { return world.clients().size() == 1; }));
  std::vector<pid_t> before;
  std::vector<pid_t> after;
  for (const auto& worker : workers) before.push_back(worker.pid);
  for (const auto& worker : world.service.workers()) after.push_back(worker.pid);
  CHECK(before == after);
  CHECK(world.viewers.count(ViewerState::Streaming) == 1);
}
