#include "shared/config/stream_token.h"

#include <catch2/catch.hpp>

using ace::config::parse_stream_tokens;
using ace::config::StreamToken;

namespace {

std::string error_of(std::string_view list) {
  const auto tokens = parse_stream_tokens(list);
  return tokens ? "" : tokens.error().text;
}

}  // namespace

TEST_CASE("tokens of playlists are a list of names and secrets", "[stream_token]") {
  const auto tokens = parse_stream_tokens("tv:sesame-open, kids:0123456789abcdef,");
  REQUIRE(tokens);
  CHECK(*tokens == std::vector<StreamToken>{{.name = "tv", .token = "sesame-open"},
                                            {.name = "kids", .token = "0123456789abcdef"}});
  CHECK(text_of(*tokens) == "tv:sesame-open,kids:0123456789abcdef");
  CHECK(parse_stream_tokens("")->empty());
}

TEST_CASE("a token that is wrong is named, and never shown", "[stream_token]") {
  for (const auto* list :
       {"tv:hunter2", "tv:", "tv:hunter2 hunter2", "tv:hunter2&hunter2", "tv:hunter2:hunter2",
        "tv:hunter2%20hunter2", "tv:hunter2hunter2,tv:hunter2hunter3",
        "tv:hunter2hunter2,kids:hunter2hunter2"}) {
    INFO(list);
    CHECK_THAT(error_of(list), Catch::Contains("tv"));
    CHECK_THAT(error_of(list), !Catch::Contains("hunter2"));
  }
  for (const auto* list : {"kids:0123456789,hunter2hunter2", "kids:0123456789,:hunter2hunter2",
                           "kids:0123456789,a b:hunter2hunter2"}) {
    INFO(list);
    CHECK_THAT(error_of(list), Catch::Contains("entry 2"));
    CHECK_THAT(error_of(list), !Catch::Contains("hunter2"));
  }
  CHECK_THAT(error_of("tv:" + std::string(129, 'a')), Catch::Contains("128"));
}
