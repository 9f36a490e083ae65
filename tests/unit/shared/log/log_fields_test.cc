#include "shared/log/log_fields.h"

#include <fmt/format.h>
#include <rapidjson/document.h>

#include <map>
#include <random>

#include <catch2/catch.hpp>

using namespace ace::log;
using Fields = std::map<std::string, std::string>;

namespace {

/// What a reader of the JSON line gets.
Fields fields_of(std::string_view text) {
  std::string line = R"({"event":"e")";
  append_members(line, text);
  line += '}';
  rapidjson::Document json;
  json.Parse<rapidjson::kParseValidateEncodingFlag>(line.data(), line.size());
  INFO(line);
  REQUIRE_FALSE(json.HasParseError());
  REQUIRE(json.IsObject());
  Fields fields;
  for (const auto& member : json.GetObject()) {
    const std::string key{member.name.GetString(), member.name.GetStringLength()};
    REQUIRE(member.value.IsString());
    REQUIRE(
        fields.try_emplace(key, member.value.GetString(), member.value.GetStringLength()).second);
  }
  CHECK(fields.extract("event").mapped() == "e");
  return fields;
}

template <class T>
std::string quoted(const T& text) {
  return fmt::format("{:?}", std::string_view{text});
}

}  // namespace

TEST_CASE("each pair of an event is a member", "[log_fields]") {
  CHECK(fields_of("stream=ab12 client=7 why=\"not taken\" address=[::1]:80 user=") ==
        Fields{{"stream", "ab12"},
               {"client", "7"},
               {"why", "not taken"},
               {"address", "[::1]:80"},
               {"user", ""}});
  CHECK(fields_of("").empty());
  CHECK(fields_of("a=b=c") == Fields{{"a", "b=c"}});
}

TEST_CASE("what an event says beside its pairs is its message", "[log_fields]") {
  CHECK(fields_of("the supervisor is gone") == Fields{{"msg", "the supervisor is gone"}});
  CHECK(fields_of("the old config stays: workers=3") ==
        Fields{{"msg", "the old config stays: workers=3"}});
  CHECK(fields_of("worker=a:0: waiting whether stream=x lives") ==
        Fields{{"worker", "a:0"}, {"msg", "waiting whether stream=x lives"}});
  CHECK(fields_of("redis=h:1 why=\"gone\": served from memory") ==
        Fields{{"redis", "h:1"}, {"why", "gone"}, {"msg", "served from memory"}});
  CHECK(fields_of("slot=1 two words=x") == Fields{{"slot", "1"}, {"msg", "two words=x"}});
  CHECK(fields_of("PROXY_WORKERS=99 (from flag)") ==
        Fields{{"msg", "PROXY_WORKERS=99 (from flag)"}});
}

TEST_CASE("a name that a line has already gets another", "[log_fields]") {
  CHECK(fields_of("level=debug msg=x: y") ==
        Fields{{"field_level", "debug"}, {"field_msg", "x"}, {"msg", "y"}});
  CHECK(fields_of("a=1 a=2 field_a=3") ==
        Fields{{"a", "1"}, {"field_a", "2"}, {"field_field_a", "3"}});
}

TEST_CASE("what is half a pair stays text", "[log_fields]") {
  CHECK(fields_of("a=\"b") == Fields{{"msg", "a=\"b"}});
  CHECK(fields_of("a=\"b\"c d=e") == Fields{{"msg", "a=\"b\"c d=e"}});
  CHECK(fields_of("a=\"b\\") == Fields{{"msg", "a=\"b\\"}});
  CHECK(fields_of("=b") == Fields{{"msg", "=b"}});
  CHECK(fields_of("a=1  b=2") == Fields{{"a", "1"}, {"msg", " b=2"}});
  CHECK(fields_of("a=1 ") == Fields{{"a", "1"}});
}

TEST_CASE("a quoted value comes out as it went in", "[log_fields]") {
  for (const std::string_view value :
       {"x\" why=\"forged\"", "\\", "\\\" a=b", "it's", "a\nb\r\tc", "\x1b[2J\x7f", "Zürich 東京",
        "\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x92\xbb", "\\u200d", "\xe2\x80\xae", "a: b=c",
        "\xf3\xa0\x80\x81", R"("},"level":"none)"}) {
    INFO(value);
    CHECK(fields_of(fmt::format("agent={:?} n=1", value)) ==
          Fields{{"agent", std::string{value}}, {"n", "1"}});
  }
  CHECK(fields_of("a=" + quoted(std::string_view{"x\0y", 3}))["a"] ==
        std::string(std::string_view{"x\0y", 3}));
  // Whether a byte or a character was meant nobody can tell any more.
  CHECK(fields_of("a=" + quoted("\xff("))["a"] == "\\xff(");
  CHECK(fields_of(R"(a="\ud800\U00110000\u12\q\x")")["a"] == R"(\ud800\U00110000\u12\q\x)");
}

TEST_CASE("no value from outside adds a member or spoils the line", "[log_fields]") {
  std::mt19937 random{20261122};
  const std::string_view usual = "\"\\ =:{}xnua0";
  for (int round = 0; round < 20'000; ++round) {
    std::string value;
    for (auto left = random() % 12; left > 0; --left) {
      const auto byte = static_cast<char>(random());
      value += random() % 2 == 0 ? usual[random() % usual.size()] : byte;
    }
    const auto fields = fields_of(fmt::format("a={:?} z={:?}: end", value, value));
    REQUIRE(fields.size() == 3);
    REQUIRE(fields.at("a") == fields.at("z"));
    REQUIRE(fields.at("msg") == "end");
    static_cast<void>(fields_of(value));  // free text that is none of ours
  }
}
