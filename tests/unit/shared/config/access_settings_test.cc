#include <map>

#include <catch2/catch.hpp>

#include "shared/config/load.h"

using namespace ace::config;
using Catch::Contains;

namespace {

ace::Result<Loaded> loaded(const std::map<std::string, std::string>& values) {
  return load({}, [&](const std::string& name) -> std::optional<std::string> {
    const auto found = values.find(name);
    if (found == values.end()) return std::nullopt;
    return found->second;
  });
}

std::string error_of(const std::map<std::string, std::string>& values) {
  const auto got = loaded(values);
  return got ? "" : got.error().text;
}

}  // namespace

TEST_CASE("who may watch and whose word counts are lists of networks", "[config]") {
  const auto got = loaded({{"PROXY_ALLOW", "192.168.0.0/16, ::1,unix"},
                           {"PROXY_TRUSTED_PROXIES", "10.0.0.1"},
                           {"PROXY_STREAM_TOKENS", "tv:sesame-open"}});
  REQUIRE(got);
  const auto& config = got->config;
  CHECK(config.allow.contains(ace::net::IpAddress::parse("192.168.1.1")));
  CHECK(config.trusted_proxies.text() == "10.0.0.1");
  CHECK(config.stream_tokens.front().name == "tv");
  CHECK_THAT(print_config(*got), Contains("PROXY_ALLOW = \"unix,192.168.0.0/16,::1\"") &&
                                     Contains("PROXY_STREAM_TOKENS = \"***\"") &&
                                     !Contains("sesame"));
  CHECK(loaded({})->config.allow.empty());
}

TEST_CASE("an entry of a list that is wrong is named, a token never", "[config]") {
  CHECK_THAT(error_of({{"PROXY_ALLOW", "10.0.0.0/8,192.168.0.1/16"}}),
             Contains("PROXY_ALLOW=") && Contains("192.168.0.1/16") && Contains("192.168.0.0/16"));
  CHECK_THAT(error_of({{"PROXY_TRUSTED_PROXIES", "nginx"}}),
             Contains("PROXY_TRUSTED_PROXIES=nginx") && Contains("\"nginx\" is not an address"));
  CHECK_THAT(error_of({{"PROXY_STREAM_TOKENS", "tv:sesame-open,aunt:short"}}),
             Contains("the token of aunt") && Contains("PROXY_STREAM_TOKENS=***") &&
                 !Contains("sesame") && !Contains("short;"));
}

TEST_CASE("reads are not protected by a key that is not there", "[config]") {
  CHECK_THAT(error_of({{"PROXY_API_PROTECT_READS", "true"}}), Contains("API_KEY"));
  CHECK(error_of({{"PROXY_API_PROTECT_READS", "yes"}, {"API_KEY", "sesame"}}).empty());
  CHECK_THAT(error_of({{"PROXY_API_PROTECT_READS", "maybe"}, {"API_KEY", "sesame"}}),
             Contains("true|false") && !Contains("sesame"));
}

TEST_CASE("an access log has a place that is meant", "[config]") {
  for (const auto* place : {"off", "stdout", "stderr", "/var/log/ace.log", "./access.log"}) {
    const auto got = loaded({{"PROXY_ACCESS_LOG", place}});
    REQUIRE(got);
    CHECK(got->config.log.access == place);
  }
  for (const auto* place : {"stdot", "on", "access.log", "syslog"}) {
    CHECK_THAT(error_of({{"PROXY_ACCESS_LOG", place}}), Contains("off|stdout|stderr"));
  }
  CHECK(loaded({})->config.log.access == "off");
}
