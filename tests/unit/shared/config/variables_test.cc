#include "shared/config/variables.h"

#include <catch2/catch.hpp>

using ace::config::unknown_variables;
using Catch::Matchers::Contains;

TEST_CASE("a misspelt variable is told with the setting that is near", "[config]") {
  for (const auto& [variable, meant] : std::vector<std::pair<std::string, std::string>>{
           {"PROXY_WORKER=2", "PROXY_WORKERS"},
           {"ACE_ENGINE=a:1", "ACE_ENGINES"},
           {"REDIS_PASS=secret", "REDIS_PASSWORD"},
           {"REDIS_URI=redis://:secret@h", "REDIS_URL"},
           {"proxy_workers=2", "PROXY_WORKERS"},
           {"MAX_STREAMS_PER_ENGINES=2", "MAX_STREAMS_PER_ENGINE"}}) {
    INFO(variable);
    const auto told = unknown_variables({variable});
    REQUIRE(told.size() == 1);
    CHECK_THAT(told.front(), Contains("did you mean " + meant + "?") && !Contains("secret"));
  }
  CHECK(unknown_variables({"PROXY_COLOUR=red"}) ==
        std::vector<std::string>{"variable=\"PROXY_COLOUR\": there is no such setting"});
}

TEST_CASE("variables that mean something else are passed over", "[config]") {
  CHECK(unknown_variables(
            {"PROXY_WORKERS=2", "ACE_ENGINES=a:1", "PROXY_CONFIG=/x", "ACE_PROXY_INHERITANCE=1",
             "PATH=/bin", "HTTP_PROXY=x", "API_KEY=x", "REDIS_PORT_6379_TCP=tcp://10.0.0.1:6379",
             "REDIS_PORT_6379_TCP_ADDR=10.0.0.1", "REDIS_SERVICE_HOST=10.0.0.1",
             "ACE_PROXY_PORT=tcp://10.0.0.1:8000", "PROXY_SERVICE_PORT_HTTP=80", "REDIS_VERSION=7",
             "ACE_PORT=8000", "ACE_ENGINE_IMAGE=x", "REDIS_MEMORY=1gb"})
            .empty());
}
