#include "proto/engine/engine_list.h"

#include <catch2/catch.hpp>

using namespace ace::proto::engine;

TEST_CASE("an engine is read, and reads back as itself", "[engine_list]") {
  const auto engine = parse_listed_engine(
      R"({"host":"10.0.0.7","port":6878,"name":"attic","forwarded":true,"max_streams":4})");
  REQUIRE(engine);
  CHECK(engine->address.text() == "10.0.0.7:6878");
  CHECK(engine->name == "attic");
  CHECK(engine->is_forwarded);
  CHECK(engine->max_streams == 4);
  CHECK(to_json(*parse_listed_engine(to_json(*engine))) == to_json(*engine));
  const auto bare = parse_listed_engine(R"({"host":"fe80::1","port":"80"})");
  REQUIRE(bare);
  CHECK(bare->address.text() == "[fe80::1]:80");
  CHECK(bare->name.empty());
}

TEST_CASE("what is no engine is refused", "[engine_list]") {
  for (const std::string text :
       {"", "[]", "{", R"({"port":1})", R"({"host":"a"})", R"({"host":"a","port":0})",
        R"({"host":"a","port":65536})", R"({"host":"a/b","port":1})", R"({"host":"u@a","port":1})",
        R"({"host":"a b","port":1})", R"({"host":"[::1]","port":1})", R"({"host":"a%00","port":1})",
        R"({"host":7,"port":1})", R"({"host":"a","port":1,"name":"#"})",
        R"({"host":"a","port":1,"name":"x y"})", R"({"host":"a","port":1,"max_streams":-1})"}) {
    INFO(text);
    CHECK_FALSE(parse_listed_engine(text));
  }
  CHECK_FALSE(parse_listed_engine(std::string(300'000, '[')));
  const std::string name(101, 'n');
  CHECK_FALSE(parse_listed_engine(R"({"host":"a","port":1,"name":")" + name + "\"}"));
}

TEST_CASE("what people mistype in a new engine is named", "[engine_list]") {
  const auto error_of = [](const std::string& members) {
    const auto engine = parse_new_engine(R"({"host":"a","port":1)" + members + "}");
    return engine ? std::string{} : engine.error().text;
  };
  CHECK(error_of(R"(,"name":"n","forwarded":false,"max_streams":2)").empty());
  CHECK_THAT(error_of(R"(,"max_stream":2)"), Catch::StartsWith("\"max_stream\" is none of host"));
  CHECK(error_of(R"(,"forwarded":"yes")") == "\"forwarded\" is not true or false");
  CHECK(error_of(R"(,"max_streams":"2")") == "\"max_streams\" is not a number");
  CHECK(error_of(R"(,"name":7)") == "\"name\" is not a text");
  CHECK(error_of(",\"" + std::string(5000, 'x') + "\":1").size() < 300);
  // What another version wrote into Redis is taken as far as it is understood.
  CHECK(parse_listed_engine(R"({"host":"a","port":1,"weight":2})"));
}

TEST_CASE("an orchestrator's engines are read, but for what makes no sense", "[engine_list]") {
  const auto engines = parse_orchestrator(R"([
    {"container_id":"c1","host":"10.0.0.1","port":6878,"forwarded":true,"health_status":"healthy"},
    {"container_id":"c2","host":"10.0.0.2","port":"6879","forwarded":false,"health_status":"unknown"},
    {"container_id":"c3","host":"10.0.0.3","port":6878,"health_status":"unhealthy"},
    {"container_id":"c4","host":"evil/path","port":6878},
    {"container_id":"c5","host":null,"port":6878}, 7, null, [], {}])");
  REQUIRE(engines);
  REQUIRE(engines->size() == 2);
  CHECK(engines->at(0).name == "c1");
  CHECK(engines->at(0).is_forwarded);
  CHECK(engines->at(1).address.text() == "10.0.0.2:6879");
  CHECK(parse_orchestrator("[]")->empty());
  for (const std::string text : {"", "{}", "null", "[{]", R"({"engines":[]})"}) {
    INFO(text);
    CHECK_FALSE(parse_orchestrator(text));
  }
  CHECK_FALSE(parse_orchestrator(std::string(500'000, '[')));
  CHECK_FALSE(parse_orchestrator("[" + std::string(kMaxListBytes, ' ') + "]"));
}

TEST_CASE("of an endless list the beginning is taken", "[engine_list]") {
  std::string list = "[";
  for (int i = 0; i < 400; ++i) list += R"({"container_id":"c","host":"h","port":1},)";
  list.back() = ']';
  CHECK(parse_orchestrator(list)->size() == kMaxListed);
}
