// What a Redis does not let the proxy do: it is named, and the host goes on as without Redis.

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/metrics/metrics_page.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kViewers = 8;

ServiceOptions options_for(const RedisServer& redis, const std::string& user) {
  return {.workers = 2,
          .engines = 1,
          .bitrate = 2'000'000,
          .redis = RedisIs::Away,
          .source = "numbered",
          .environment = {{"REDIS_SOCKET", redis.endpoint().socket},
                          {"REDIS_USERNAME", user},
                          {"REDIS_PASSWORD", "secret"}}};
}

void set_user(const RedisServer& redis, std::vector<std::string> rules) {
  std::vector<std::string> command{"ACL", "SETUSER", "x", "on", ">secret"};
  command.insert(command.end(), rules.begin(), rules.end());
  REQUIRE(redis.command(command));
}

/// All workers say of Redis what `word` says.
bool every_worker_says(const Service& service, const std::string& word) {
  return service.every_worker(
      "/readyz",
      [&](const HttpReply& reply) { return json_of(reply.body)["redis"].GetString() == word; },
      15s);
}

void check_all_served(const Viewers& viewers, const Service& service) {
  CHECK(viewers.count(ViewerState::Streaming) == viewers.size());
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    INFO("viewer " << i);
    CHECK(viewers.at(i).checker().counts().missing == 0);
    CHECK(viewers.at(i).checker().faults().empty());
  }
  const auto stream = service.engines().state().stream(stream_id(1));
  CHECK(stream.opened == 1);
}

}  // namespace

TEST_CASE("a Redis whose user may not do all is named and done without", "[redis_rights]") {
  const RedisServer redis;
  // As Redis 7 makes new users: no channel.
  set_user(redis, {"allkeys", "+@all"});
  Service service{options_for(redis, "x")};
  Viewers viewers{service.port()};
  viewers.open(kViewers, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  viewers.run_for(3s);
  check_all_served(viewers, service);

  REQUIRE(every_worker_says(service, "down"));
  const std::string words = "user \"x\" may not PUBLISH to ace_proxy:*";
  const auto ready = service.get("/readyz");
  CHECK(ready.status == 200);
  const auto page = json_of(ready.body);
  REQUIRE(page.HasMember("redis_trouble"));
  CHECK(page["redis_trouble"]["code"] == "not_permitted");
  CHECK(page["redis_trouble"]["message"].GetString() == words);
  CHECK(count_events(service.proxy().log(), "redis_down") >= 1);
  CHECK(service.proxy().log().find("may not PUBLISH to ace_proxy:*") != std::string::npos);
  const MetricsPage metrics{service.get("/metrics").body};
  CHECK(metrics.sum("ace_proxy_redis_up") == 0);
  CHECK(metrics.value("ace_proxy_redis_trouble{worker=\"0\",cause=\"not_permitted\"}") == 1);

  set_user(redis, {"allchannels"});
  CHECK(every_worker_says(service, "up"));
}

TEST_CASE("rights that go under running streams cost viewers nothing", "[redis_rights]") {
  const std::vector<std::string> rules =
      GENERATE(std::vector<std::string>{"resetchannels"},
               std::vector<std::string>{"-hset", "-sadd", "-pexpire"},
               std::vector<std::string>{"-eval", "-evalsha"});
  INFO(rules.front());
  const RedisServer redis;
  set_user(redis, {"allkeys", "allchannels", "+@all"});
  Service service{options_for(redis, "x")};
  REQUIRE(every_worker_says(service, "up"));
  Viewers viewers{service.port()};
  viewers.open(kViewers, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  set_user(redis, rules);
  viewers.run_for(8s);
  CHECK(every_worker_says(service, "down"));
  viewers.open(2, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  set_user(redis, {"allchannels", "+@all"});
  viewers.run_for(5s);
  CHECK(every_worker_says(service, "up"));
  check_all_served(viewers, service);
}

TEST_CASE("an owner key that never ends keeps nobody waiting", "[redis_rights]") {
  const std::string owner = GENERATE("junk", "gone-host:17");
  INFO(owner);
  Service service{{.workers = 2, .bitrate = 2'000'000, .environment = {{"PROXY_LEASE", "3s"}}}};
  const auto write = [&](std::vector<std::string> command) {
    REQUIRE(service.redis_server().command(command));
  };
  write({"SET", stream_key(stream_id(1), "owner"), owner});
  if (owner != "junk") {
    write({"HSET", stream_key(stream_id(1), "metadata"), "epoch", "999999999999999", "state",
           "stopping", "init_time", "1e300"});
    write({"SET", stream_key(stream_id(1), "buffer:index"), "999999999999999"});
  }
  Viewers viewers{service.port()};
  viewers.open(2, stream_target(stream_id(1)));
  CHECK(all_served(viewers, 15s));
  CHECK(service.get("/streams/" + stream_id(1)).status == 200);
}
