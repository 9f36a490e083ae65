#include "shared/json/json_writer.h"

#include <rapidjson/document.h>

#include <catch2/catch.hpp>

using ace::json::JsonWriter;

TEST_CASE("whatever a text holds, what is written is JSON", "[json]") {
  for (const auto* text : {"\xff", "a\xc3", "\xed\xa0\x80", "\"\\\n\x01", "東京"}) {
    rapidjson::StringBuffer buffer;
    JsonWriter out{buffer};
    out.StartObject();
    ace::json::write(out, text, text);
    ace::json::write(out, "n", std::uint64_t{1});
    ace::json::write_flag(out, "f", true);
    out.EndObject();
    rapidjson::Document read;
    read.Parse<rapidjson::kParseValidateEncodingFlag>(buffer.GetString(), buffer.GetSize());
    INFO(buffer.GetString());
    REQUIRE_FALSE(read.HasParseError());
    CHECK(read.MemberCount() == 3);
  }
}
