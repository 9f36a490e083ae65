#include <rapidjson/document.h>

#include <catch2/catch.hpp>

#include "shared/log/access_log.h"

using ace::log::access_line;
using ace::log::AccessEntry;
using ace::log::AccessFormat;

namespace {

AccessEntry entry() {
  return {.address = "192.0.2.7",
          .user = "living-room",
          .request = "GET /ace/getstream?id=1&token=*** HTTP/1.1",
          .referer = {},
          .agent = "VLC \"x\"\n",
          .request_id = "abc",
          .why = "client closed",
          .status = 200,
          .bytes = 1234,
          .took = std::chrono::milliseconds{61'500},
          .began = ace::WallTime{std::chrono::milliseconds{1'767'873'600'123}}};
}

}  // namespace

TEST_CASE("a combined line is what Apache would write, and three fields", "[access_line]") {
  CHECK(access_line(entry(), AccessFormat::Combined) ==
        R"(192.0.2.7 - living-room [08/Jan/2026:12:00:00 +0000] )"
        R"("GET /ace/getstream?id=1&token=*** HTTP/1.1" 200 1234 "-" "VLC \x22x\x22\x0a" )"
        R"(abc 61.500 "client closed")");
  CHECK(access_line({}, AccessFormat::Combined) ==
        R"(- - - [01/Jan/1970:00:00:00 +0000] "-" 0 0 "-" "-" - 0.000 "-")");
}

TEST_CASE("a json line holds the same, as it was sent", "[access_line]") {
  const auto line = access_line(entry(), AccessFormat::Json);
  rapidjson::Document json;
  json.Parse(line.data(), line.size());
  REQUIRE_FALSE(json.HasParseError());
  CHECK(std::string{json["ts"].GetString()} == "2026-01-08T12:00:00.123Z");
  CHECK(std::string{json["address"].GetString()} == "192.0.2.7");
  CHECK(std::string{json["user"].GetString()} == "living-room");
  CHECK(std::string{json["agent"].GetString()} == "VLC \"x\"\n");
  CHECK(std::string{json["request_id"].GetString()} == "abc");
  CHECK(std::string{json["why"].GetString()} == "client closed");
  CHECK(json["status"].GetInt() == 200);
  CHECK(json["bytes"].GetUint64() == 1234);
  CHECK(json["seconds"].GetDouble() == 61.5);
}
