#include "workers/engines/engine_directory.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>

using ace::engines::EngineAddress;
using ace::engines::EngineDirectory;
using ace::engines::EngineSource;

namespace {

EngineAddress engine(std::string host, std::string name = {}) {
  EngineAddress made;
  made.host = std::move(host);
  made.port = 6878;
  made.name = std::move(name);
  return made;
}

std::string listed(const EngineDirectory& directory) {
  std::string ids;
  for (const auto& one : directory.engines()) ids += one.id() + " ";
  return ids;
}

}  // namespace

TEST_CASE("each source names its engines, and the first to name one counts", "[engines]") {
  EngineDirectory directory{{engine("a", "one"), engine("b")}};
  directory.set(EngineSource::Dns, {engine("10.0.0.1"), engine("b")});
  directory.set(EngineSource::Api, {engine("c", "one"), engine("10.0.0.1", "mine")});
  CHECK(listed(directory) == "one b:6878 mine ");
  CHECK(directory.find("one")->host == "a");
  CHECK(directory.known().at(2).source == EngineSource::Api);
  directory.set(EngineSource::Api, {});
  CHECK(listed(directory) == "one b:6878 10.0.0.1:6878 ");
}

TEST_CASE("an engine that left is found, but not listed", "[engines]") {
  EngineDirectory directory;
  directory.set(EngineSource::Dns, {engine("10.0.0.1"), engine("10.0.0.2")});
  directory.set(EngineSource::Dns, {engine("10.0.0.2")});
  CHECK(listed(directory) == "10.0.0.2:6878 ");
  REQUIRE(directory.find("10.0.0.1:6878"));
  CHECK_FALSE(directory.known().at(1).is_listed);
  directory.set(EngineSource::Dns, {engine("10.0.0.1")});
  CHECK(listed(directory) == "10.0.0.1:6878 ");
  CHECK(directory.known().size() == 2);
}

TEST_CASE("of engines that come and go only the last are remembered", "[engines]") {
  EngineDirectory directory;
  for (int i = 0; i < 200; ++i) {
    directory.set(EngineSource::Dns, {engine(fmt::format("10.0.0.{}", i))});
  }
  CHECK(directory.known().size() == 1 + EngineDirectory::kMostGone);
  CHECK(directory.find("10.0.0.198:6878"));
  CHECK_FALSE(directory.find("10.0.0.1:6878"));
}

TEST_CASE("an engine by several names is listed once", "[engines]") {
  EngineDirectory directory{{engine("127.0.0.1"), engine("localhost"), engine("::1", "six")}};
  CHECK(listed(directory) == "127.0.0.1:6878 localhost:6878 six ");
  directory.set_identities({{"127.0.0.1:6878", {"127.0.0.1:6878", "d"}},
                            {"localhost:6878", {"127.0.0.1:6878", "d"}},
                            {"six", {"[::1]:6878", "d"}}});
  CHECK(listed(directory) == "127.0.0.1:6878 ");
  REQUIRE(directory.known().size() == 3);
  CHECK(directory.known()[1].same_as == "127.0.0.1:6878");
  CHECK(directory.known()[2].same_as == "127.0.0.1:6878");
  CHECK(directory.find("six"));
  // Somebody else answers there now.
  directory.set_identities({{"127.0.0.1:6878", {"127.0.0.1:6878", "d"}},
                            {"localhost:6878", {"127.0.0.1:6878", "d"}},
                            {"six", {"[::1]:6878", "e"}}});
  CHECK(listed(directory) == "127.0.0.1:6878 six ");
}

TEST_CASE("an address written in two ways is one", "[engines]") {
  const EngineDirectory directory{{engine("127.0.0.1"), engine("::ffff:127.0.0.1", "mapped"),
                                   engine("2001:db8::1"), engine("2001:DB8:0::1", "long")}};
  CHECK(listed(directory) == "127.0.0.1:6878 [2001:db8::1]:6878 ");
}

TEST_CASE("containers of one image are several engines", "[engines]") {
  using ace::engines::is_same_engine;
  CHECK_FALSE(is_same_engine({"10.0.0.1:6878", "d"}, {"10.0.0.2:6878", "d"}));
  CHECK_FALSE(is_same_engine({"10.0.0.1:6878", "d"}, {"10.0.0.1:6879", "d"}));
  CHECK_FALSE(is_same_engine({"10.0.0.1:6878", "d"}, {"[::1]:6879", "d"}));
  CHECK_FALSE(is_same_engine({"10.0.0.1:6878", ""}, {"[::1]:6878", ""}));
  CHECK_FALSE(is_same_engine({"", "d"}, {"", "d"}));
}
