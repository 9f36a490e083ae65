#include "workers/engines/engine_address.h"

#include <array>
#include <string>

#include <catch2/catch.hpp>

#include "workers/engines/engine_directory.h"

using ace::Errc;
using ace::engines::EngineAddress;
using ace::engines::EngineDirectory;

TEST_CASE("an engine is read with all its options", "[engines]") {
  const auto engine =
      EngineAddress::parse(" 10.0.0.7:6879 ; name=living.room-1 ;forwarded; max_streams=4; ");
  REQUIRE(engine);
  CHECK(engine->host == "10.0.0.7");
  CHECK(engine->port == 6879);
  CHECK(engine->name == "living.room-1");
  CHECK(engine->forwarded);
  CHECK(engine->max_streams == 4);
  CHECK(engine->id() == "living.room-1");
}

TEST_CASE("an engine without a name is known by its address", "[engines]") {
  CHECK(EngineAddress::parse("engine-a:80")->id() == "engine-a:80");
  CHECK(EngineAddress::parse("engine-a")->id() == "engine-a:6878");
  const auto v6 = EngineAddress::parse("[fd00::7]:6878");
  REQUIRE(v6);
  CHECK(v6->host == "fd00::7");
  CHECK(v6->id() == "[fd00::7]:6878");
  CHECK(EngineAddress::parse("[::1]")->port == 6878);
  CHECK_FALSE(v6->forwarded);
  CHECK(v6->max_streams == 0);
}

TEST_CASE("an engine that is not well spelled is refused by name", "[engines]") {
  const std::string item =
      GENERATE("", ";forwarded", ":6878", "h:", "h:0", "h:65536", "h:-1", "h:6878x", "::1:6878",
               "[::1", "[::1]6878", "[10.0.0.7]:1", "[]", "h/x:1", "h h:1", "h:1;max_streams=0",
               "h:1;max_streams", "h:1;max_streams=many", "h:1;name=", "h:1;name=a b",
               "h:1;forwarded=maybe", "h:1;fast", "http://h:1", "user@h:1");
  const auto engine = EngineAddress::parse(item);
  REQUIRE_FALSE(engine);
  CHECK(engine.error().code == Errc::InvalidArgument);
  CHECK(engine.error().text.find("engine \"" + item + "\": ") == 0);
}

TEST_CASE("a directory keeps the configured order and finds by id", "[engines]") {
  const std::array<std::string, 2> items{"b:1;name=beta", "a:1"};
  const auto directory = EngineDirectory::parse(items);
  REQUIRE(directory);
  REQUIRE(directory->engines().size() == 2);
  CHECK(directory->engines()[0].name == "beta");
  REQUIRE(directory->find("a:1") != nullptr);
  CHECK(directory->find("a:1")->host == "a");
  CHECK(directory->find("b:1") == nullptr);
  CHECK(EngineDirectory{}.engines().empty());
}

TEST_CASE("a directory refuses two engines of one id, and what does not parse", "[engines]") {
  const std::array<std::string, 2> twins{"a:1", "b:1;name=a:1"};
  CHECK_FALSE(EngineDirectory::parse(twins));
  const std::array<std::string, 2> same{"a:1;name=x", "b:1;name=x"};
  CHECK(EngineDirectory::parse(same).error().text == "two engines are called x");
}
