// One content has two names, a content id and an infohash: one engine session, once an engine told.

#include <signal.h>

#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/two_hosts.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/viewers/numbered_ts.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

const std::string kContent = stream_id(1);
const std::string kInfohash = infohash_of_content(kContent);
const std::string kByContent = stream_target(kContent);
const std::string kByInfohash = "/ace/getstream?infohash=" + kInfohash;

const SimOptions kSlow{.engines = 1, .bitrate = 2'000'000};

std::string alias_of(const std::string& name) { return "ace_proxy:alias:" + name; }

/// No engine knows the infohash as a content id.
void know(const SimProcess& engines) { engines.fault("no_content", kInfohash, 0); }

/// Who plays and who watches is written down beside, not before the first bytes: where Redis takes
/// longer than half a second, viewers are served all the same.
bool leads_to(const TwoHosts& hosts, const std::string& name, const std::string& id) {
  return wait_until([&] { return hosts.command({"GET", alias_of(name)}).text == id; }, 20s);
}

bool have_clients(TwoHosts& hosts, const std::string& id, std::int64_t count) {
  const auto are_there = [&] {
    return hosts.command({"SCARD", stream_key(id, "clients")}).as_integer() == count;
  };
  return hosts.run_until(are_there, 20s);
}

/// What was lost between two sessions of the engine may be missing, nothing else.
bool all_stream(const Viewers& viewers) {
  return all_whole(viewers) && viewers.count(ViewerState::Streaming) == viewers.size();
}

}  // namespace

TEST_CASE("an infohash leads to the stream that another host plays by content id", "[aliases]") {
  TwoHosts hosts{{}, kSlow, {{"PROXY_GRACE_PERIOD", "500ms"}}};
  know(hosts.engines);
  hosts.at_a.open(2, kByContent);
  REQUIRE(all_served(hosts.at_a, 20s));
  CHECK(leads_to(hosts, kInfohash, kContent));
  CHECK(hosts.command({"PTTL", alias_of(kInfohash)}).as_integer() > 0);
  // More than one worker's share.
  hosts.at_b.open(12, kByInfohash);
  REQUIRE(all_served(hosts.at_b, 20s));
  hosts.run_for(500ms);
  CHECK(hosts.session().opened == 1);
  CHECK(hosts.at_a.faults().empty());
  CHECK(hosts.at_b.faults().empty());
  CHECK(hosts.at_b.count(ViewerState::Streaming) == 12);
  CHECK(have_clients(hosts, kContent, 14));
  CHECK(hosts.command({"KEYS", stream_key(kInfohash, "*")}).elements.empty());

  hosts.at_a.close_all();
  hosts.at_b.close_all();
  CHECK(hosts.run_until([&] { return hosts.keys() == 0; }, 20s));
  CHECK(hosts.command({"KEYS", alias_of("*")}).elements.empty());
}

TEST_CASE("a content id is found out to be the infohash that is played, on one host", "[aliases]") {
  const auto redis = GENERATE(RedisIs::There, RedisIs::Away);
  CAPTURE(redis);
  const Service service{{.workers = 2, .bitrate = 2'000'000, .redis = redis}};
  know(service.engines());
  Viewers viewers{service.port()};
  viewers.open(1, kByInfohash);
  REQUIRE(all_served(viewers, 20s));
  viewers.open(12, kByContent);
  REQUIRE(all_served(viewers, 30s));
  const auto sessions = [&] { return service.engines().state().stream(kInfohash); };
  // The engine ended the first session for the second one's sake: it comes back by itself.
  const auto before = bytes_of(viewers);
  CHECK(viewers.run_until([&] { return all_beyond(viewers, before, 500'000); }, 60s));
  CHECK(all_stream(viewers));
  CHECK(sessions().alive == 1);
  const auto is_one = [&] {
    const auto rows = service.started_streams();
    return rows.size() == 1 && rows.front().key == kInfohash && rows.front().clients == 13;
  };
  CHECK(viewers.run_until(is_one, 20s));

  // From now on everybody knows.
  const auto opened = sessions().opened;
  viewers.open(2, kByContent);
  REQUIRE(all_served(viewers, 20s));
  CHECK(sessions().opened == opened);
  CHECK(all_stream(viewers));
}

TEST_CASE("a content id is found out to be the infohash that another host plays", "[aliases]") {
  TwoHosts hosts{{}, kSlow, {{"PROXY_GRACE_PERIOD", "500ms"}}};
  know(hosts.engines);
  hosts.at_a.open(2, kByInfohash);
  REQUIRE(all_served(hosts.at_a, 20s));
  CHECK(leads_to(hosts, kInfohash, kInfohash));
  hosts.at_b.open(12, kByContent);
  REQUIRE(hosts.run_until([&] { return hosts.at_b.count_with_bytes(1) == 12; }, 60s));
  const auto before_a = bytes_of(hosts.at_a);
  const auto before_b = bytes_of(hosts.at_b);
  CHECK(hosts.run_until(
      [&] {
        return all_beyond(hosts.at_a, before_a, 500'000) &&
               all_beyond(hosts.at_b, before_b, 500'000);
      },
      30s));
  CHECK(all_stream(hosts.at_a));
  CHECK(all_stream(hosts.at_b));
  CHECK(hosts.session().alive == 1);
  CHECK(leads_to(hosts, kContent, kInfohash));
  CHECK(have_clients(hosts, kInfohash, 14));
  // The stream that was none is taken apart, also where its owner met others' viewers.
  CHECK(hosts.run_until([&] { return hosts.keys() == 0; }, 20s));

  hosts.at_a.close_all();
  hosts.at_b.close_all();
  const auto is_gone = [&] {
    return hosts.command({"KEYS", stream_key(kInfohash, "*")}).elements.empty();
  };
  CHECK(hosts.run_until(is_gone, 20s));
  CHECK(hosts.command({"KEYS", alias_of("*")}).elements.empty());
}

TEST_CASE("both names at once end in one session, and everybody is served", "[aliases]") {
  TwoHosts hosts{{}, kSlow};
  know(hosts.engines);
  // Who waits for Redis asks the engine in the same moment as the other: before one has got as far
  // as to play what it opened, the other ends that.
  const bool meet_at_redis = GENERATE(false, true, true, true);
  CAPTURE(meet_at_redis);
  if (meet_at_redis) hosts.redis.pause();
  hosts.at_a.open(3, kByContent);
  hosts.at_b.open(3, kByInfohash);
  if (meet_at_redis) hosts.run_for(1s);
  hosts.redis.resume();
  const auto both_served = [&] {
    return hosts.at_a.count_with_bytes(200'000) == 3 && hosts.at_b.count_with_bytes(200'000) == 3;
  };
  REQUIRE(hosts.run_until(both_served, 30s));
  CHECK(hosts.run_until([&] { return hosts.session().alive == 1; }, 20s));
  CHECK(all_stream(hosts.at_a));
  CHECK(all_stream(hosts.at_b));
  const auto clients = [&] {
    return hosts.command({"SCARD", stream_key(kContent, "clients")}).as_integer().value_or(0) +
           hosts.command({"SCARD", stream_key(kInfohash, "clients")}).as_integer().value_or(0);
  };
  CHECK(hosts.run_until([&] { return clients() == 6; }, 20s));
}

TEST_CASE("an alias outlives its stream's owner", "[aliases]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  Viewers viewers{service.port()};
  viewers.open(16, kByContent);  // at both workers
  REQUIRE(all_served(viewers, 20s));
  const auto is_renewed = [&] {
    return service.redis_number({"PTTL", alias_of(kInfohash)}) > 10'000;
  };
  const auto expire_soon = [&] {
    return service.redis_number({"PEXPIRE", alias_of(kInfohash), "9000"});
  };
  REQUIRE(viewers.run_until([&] { return expire_soon() == 1; }, 20s));
  CHECK(viewers.run_until(is_renewed, 8s));

  const auto owner = service.owner().pid;
  REQUIRE(::kill(owner, SIGKILL) == 0);
  const auto is_taken_over = [&] {
    const auto rows = service.started_streams();
    return rows.size() == 1 && !rows.front().owner.empty() &&
           !rows.front().owner.ends_with(":" + std::to_string(owner));
  };
  REQUIRE(viewers.run_until(is_taken_over, 20s));
  REQUIRE(expire_soon() == 1);
  CHECK(viewers.run_until(is_renewed, 8s));
  CHECK(service.redis({"GET", alias_of(kInfohash)}).text == kContent);
}

TEST_CASE("aliases that lead in circles, or nowhere, harm nobody", "[aliases]") {
  const Service service{{.workers = 2, .bitrate = 2'000'000}};
  const auto other = stream_id(2);
  static_cast<void>(service.redis({"SET", alias_of(kContent), other}));
  static_cast<void>(service.redis({"SET", alias_of(other), kContent}));
  static_cast<void>(service.redis({"RPUSH", alias_of(stream_id(3)), "junk"}));
  static_cast<void>(service.redis({"SET", alias_of(stream_id(4)), "junk"}));
  Viewers viewers{service.port()};
  for (const auto& id : {kContent, other}) {
    viewers.open(1, stream_target(id), {.takes_any_stream = true});
  }
  for (const auto& id : {stream_id(3), stream_id(4)}) viewers.open(1, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  CHECK(viewers.faults() == "");
  CHECK(viewers.count(ViewerState::Streaming) == viewers.size());
}
