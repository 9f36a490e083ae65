#include "workers/engines/engine_selector.h"

#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

using ace::engines::EngineAddress;
using ace::engines::ExcludedEngines;
using ace::engines::rank;
using ace::engines::select;

namespace {

struct Fleet {
  std::vector<EngineAddress> engines;
  std::map<std::string, std::size_t> loads;

  void add(std::string name, std::size_t load, bool forwarded = false, unsigned max_streams = 0) {
    loads[name] = load;
    engines.push_back({.host = "h",
                       .port = 1,
                       .name = std::move(name),
                       .forwarded = forwarded,
                       .max_streams = max_streams});
  }
  [[nodiscard]] std::string order(const ExcludedEngines& excluded = {}) const {
    std::string names;
    const auto load = [this](const EngineAddress& engine) { return loads.at(engine.name); };
    for (const auto* const engine : rank(engines, load, excluded)) names += engine->name;
    const auto* const best = select(engines, load, excluded);
    CHECK((best == nullptr ? std::string{} : best->name) == names.substr(0, 1));
    return names;
  }
};

}  // namespace

TEST_CASE("the engine with the fewest streams comes first", "[engines]") {
  Fleet fleet;
  fleet.add("a", 2, true);
  fleet.add("b", 0);
  fleet.add("c", 1);
  CHECK(fleet.order() == "bca");
}

TEST_CASE("a forwarded port wins ties, then the configured order", "[engines]") {
  Fleet fleet;
  fleet.add("a", 1);
  fleet.add("b", 1);
  fleet.add("c", 1, true);
  fleet.add("d", 1, true);
  CHECK(fleet.order() == "cdab");
}

TEST_CASE("full and excluded engines are passed over", "[engines]") {
  Fleet fleet;
  fleet.add("a", 2, true, 2);
  fleet.add("b", 9, false, 10);
  fleet.add("c", 3);
  fleet.add("d", 0);
  CHECK(fleet.order({"d"}) == "cb");
  CHECK(fleet.order({"b", "c", "d"}).empty());
}

TEST_CASE("no engines, no choice", "[engines]") { CHECK(Fleet{}.order().empty()); }
