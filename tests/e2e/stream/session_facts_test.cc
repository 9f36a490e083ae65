#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

/// A stream that is watched, as `GET /streams` shows it once `member` is told.
rapidjson::Document shown(const Service& service, const char* member) {
  Viewers viewers{service.port()};
  viewers.open(1, stream_target(stream_id(1)));
  REQUIRE(all_served(viewers, 20s));
  rapidjson::Document all;
  REQUIRE(wait_until(
      [&] {
        all = json_of(service.get("/streams").body);
        return all.Size() == 1 && all[0].HasMember(member);
      },
      15s));
  CHECK(viewers.faults().empty());
  return all;
}

}  // namespace

TEST_CASE("what an engine says of its session is shown", "[session_facts]") {
  const Service service{{.workers = 2, .bitrate = 1'000'000}};
  const bool as_text = GENERATE(false, true);
  if (as_text) service.engines().fault("string_numbers");
  const auto all = shown(service, "peers");
  const auto& stream = all[0];
  CHECK(stream["is_live"].GetBool());
  CHECK_FALSE(stream["is_encrypted"].GetBool());
  CHECK(stream["peers"].GetUint64() == 12);
  CHECK(stream["speed_up"].GetUint64() == 64);
  CHECK(stream["livepos"]["last"].GetUint64() > 1'700'000'000);
  // Told to the host first, and to Redis then.
  CHECK(wait_until(
      [&] {
        const auto key = stream_key(stream_id(1), "metadata");
        return service.redis({"HGET", key, "peers"}).as_text() == "12";
      },
      20s));
}

TEST_CASE("encrypted content is played and marked", "[session_facts]") {
  const Service service{{.workers = 2, .bitrate = 1'000'000}};
  service.engines().fault("encrypted");
  const auto all = shown(service, "peers");
  CHECK(all[0]["is_live"].GetBool());
  CHECK(std::string{"live"} == all[0]["kind"].GetString());
  CHECK(all[0]["is_encrypted"].GetBool());
}

TEST_CASE("an engine without a stat url plays, and nothing is said of it", "[session_facts]") {
  const Service service{{.workers = 2, .bitrate = 1'000'000}};
  service.engines().fault("no_stat_url");
  const auto all = shown(service, "is_live");
  CHECK_FALSE(all[0].HasMember("peers"));
  CHECK(service.engines().state().requests(0, "stat") == 0);
}
