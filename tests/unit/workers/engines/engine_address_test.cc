#include "workers/engines/engine_address.h"

#include <catch2/catch.hpp>

#include "workers/engines/engine_directory.h"

using ace::engines::EngineAddress;
using ace::engines::EngineDirectory;

namespace {

EngineAddress engine(std::string host, std::uint16_t port, std::string name = {}) {
  EngineAddress made;
  made.host = std::move(host);
  made.port = port;
  made.name = std::move(name);
  return made;
}

}  // namespace

TEST_CASE("an engine is known by its name, or else by its address", "[engines]") {
  CHECK(engine("10.0.0.7", 6879, "living.room-1").id() == "living.room-1");
  CHECK(engine("engine-a", 80).id() == "engine-a:80");
  CHECK(engine("fd00::7", 6878).id() == "[fd00::7]:6878");
}

TEST_CASE("a directory keeps the configured order and finds by id", "[engines]") {
  const EngineDirectory directory{{engine("b", 1, "beta"), engine("a", 1)}};
  REQUIRE(directory.engines().size() == 2);
  CHECK(directory.engines()[0].name == "beta");
  REQUIRE(directory.find("a:1") != nullptr);
  CHECK(directory.find("a:1")->host == "a");
  CHECK(directory.find("b:1") == nullptr);
  CHECK(EngineDirectory{}.engines().empty());
}
