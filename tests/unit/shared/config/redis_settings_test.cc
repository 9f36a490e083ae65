#include <fmt/format.h>

#include <map>

#include <catch2/catch.hpp>

#include "shared/config/load.h"
#include "shared/config/redis_url.h"

using namespace ace::config;
using Catch::Matchers::Contains;

namespace {

using Variables = std::map<std::string, std::string>;

ace::Result<Loaded> loaded(const Variables& values, const CommandLine& line = {}) {
  return load(line, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  });
}

std::string error_of(const Variables& values) {
  const auto got = loaded(values);
  return got ? "" : got.error().text;
}

/// Host, port, database, socket.
std::string place_in(const Loaded& loaded) {
  const auto& redis = loaded.config.redis;
  return fmt::format("{} {} {} {}", redis.host, redis.port, redis.db, redis.socket);
}

}  // namespace

TEST_CASE("a url says where Redis is and how to enter", "[config]") {
  const auto got = loaded({{"REDIS_URL", "redis://tv:pa%3Ass%25@redis.lan:6380/3"}});
  REQUIRE(got);
  const auto& redis = got->config.redis;
  CHECK(redis.host == "redis.lan");
  CHECK(redis.port == 6380);
  CHECK(redis.db == 3);
  CHECK(redis.username == "tv");
  CHECK(redis.password == "pa:ss%");
  CHECK_THAT(print_config(*got), Contains("REDIS_HOST = \"redis.lan\"  # environment REDIS_URL") &&
                                     Contains("REDIS_PASSWORD = \"***\"") && !Contains("pa%3Ass") &&
                                     !Contains("pa:ss"));
  const auto v6 = loaded({{"REDIS_URL", "redis://:p@[fd00::1]"}, {"REDIS_DB", "2"}});
  REQUIRE(v6);
  CHECK(place_in(*v6) == "fd00::1 6379 2 ");
  CHECK(v6->config.redis.username.empty());
}

TEST_CASE("a url of a later source wins, of the same source it stands alone", "[config]") {
  CommandLine line;
  line.values = {{"REDIS_URL", "redis://a"}};
  const auto flag =
      loaded({{"REDIS_HOST", "b"}, {"REDIS_PORT", "1"}, {"REDIS_SOCKET", "/s"}}, line);
  REQUIRE(flag);
  CHECK(place_in(*flag) == "a 6379 0 ");
  line.values = {{"REDIS_HOST", "c"}};
  CHECK(place_in(*loaded({{"REDIS_URL", "redis://a:7"}}, line)) == "c 7 0 ");
  CHECK_THAT(error_of({{"REDIS_URL", "redis://a"}, {"REDIS_HOST", "b"}}),
             Contains("REDIS_HOST (from environment REDIS_HOST)") && Contains("REDIS_URL"));
}

TEST_CASE("a url that cannot work is refused without showing it", "[config]") {
  for (const auto& [url, why] : Variables{{"rediss://:sesame@h", "stunnel"},
                                          {"http://sesame@h", "does not begin with redis://"},
                                          {"sesame", "does not begin with redis://"},
                                          {"redis://sesame@h", "redis://:password@host"},
                                          {"redis://:sesame%zz@h", "%25"},
                                          {"redis://:sesame@", "no host"},
                                          {"redis://", "no host"},
                                          {"redis://h/0?sesame", "%3F"},
                                          {"redis://[::1", "bracket"},
                                          {"redis://[::1]sesame", "port"}}) {
    INFO(url);
    CHECK_THAT(error_of({{"REDIS_URL", url}}),
               Contains("REDIS_URL=***") && Contains(why) && !Contains("sesame"));
  }
  CHECK_THAT(error_of({{"REDIS_URL", "redis://h:x"}}),
             Contains("REDIS_PORT=x (from environment REDIS_URL)"));
  CHECK_THAT(error_of({{"REDIS_URL", "redis://h/x"}}), Contains("REDIS_DB=x"));
  // Slashes in a password, which some do not escape.
  CHECK(loaded({{"REDIS_URL", "redis://:a/b@h/1"}})->config.redis.password == "a/b");
}

TEST_CASE("a Redis host that cannot be one is refused with what was meant", "[config]") {
  CHECK_THAT(error_of({{"REDIS_HOST", "redis://redis"}}), Contains("REDIS_URL"));
  CHECK_THAT(error_of({{"REDIS_HOST", "redis:6379"}}), Contains("REDIS_PORT"));
  CHECK_THAT(error_of({{"REDIS_HOST", "[::1]"}}), Contains("without brackets"));
  CHECK_THAT(error_of({{"REDIS_HOST", "a b"}}), Contains("REDIS_HOST=a b"));
  CHECK(loaded({{"REDIS_HOST", " ::1 "}})->config.redis.host == "::1");
  CHECK_THAT(error_of({{"REDIS_PORT", "tcp://10.0.0.1:6379"}}),
             Contains("Kubernetes") && Contains("enableServiceLinks"));
}

TEST_CASE("a blank at the end of a key is not overlooked", "[config]") {
  CHECK_THAT(error_of({{"API_KEY", "sesame "}}),
             Contains("API_KEY=***") && Contains("blank") && !Contains("sesame"));
  CHECK(error_of({{"API_KEY", "open sesame"}}).empty());
  const auto got = loaded({{"REDIS_PASSWORD", "sesame "}});
  REQUIRE(got);
  REQUIRE(got->config.warnings.size() == 1);
  CHECK_THAT(got->config.warnings.front(), Contains("REDIS_PASSWORD") && !Contains("sesame"));
}

TEST_CASE("what the settings keep secret is known to the log", "[config]") {
  const auto got = loaded({{"API_KEY", "one"},
                           {"REDIS_URL", "redis://:two@h"},
                           {"PROXY_STREAM_TOKENS", "tv:three-33,aunt:four-444"}});
  REQUIRE(got);
  CHECK(got->config.log.secrets == std::vector<std::string>{"one", "two", "three-33", "four-444"});
  CHECK(loaded({})->config.log.secrets.empty());
}
