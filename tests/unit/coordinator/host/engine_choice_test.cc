#include "coordinator/host/engine_choice.h"

#include <map>

#include <catch2/catch.hpp>

#include "coordinator/host/ownership_table.h"

using namespace ace::host;
using namespace std::chrono_literals;

namespace {

struct Bids {
  std::vector<EngineBid> bids;

  EngineBid& add(std::string id, std::size_t load, bool is_forwarded = false,
                 std::uint32_t max_streams = 0) {
    bids.push_back({.id = std::move(id),
                    .is_forwarded = is_forwarded,
                    .max_streams = max_streams,
                    .tier = EngineTier::Fit,
                    .load = load,
                    .settling = {}});
    return bids.back();
  }
  /// All engines, best first.
  [[nodiscard]] std::string order() {
    std::string ids;
    for (;;) {
      const auto choice = choose_engine(bids);
      if (choice.pick == EnginePick::None) return ids;
      ids += bids[choice.at].id;
      bids[choice.at].tier = EngineTier::Excluded;
    }
  }
};

}  // namespace

TEST_CASE("the engine with the fewest streams comes first", "[engine_choice]") {
  Bids bids;
  bids.add("a", 2, true);
  bids.add("b", 0);
  bids.add("c", 1);
  CHECK(bids.order() == "bca");
}

TEST_CASE("a forwarded port wins ties, then the listed order", "[engine_choice]") {
  Bids bids;
  bids.add("a", 1);
  bids.add("b", 1);
  bids.add("c", 1, true);
  bids.add("d", 1, true);
  CHECK(bids.order() == "cdab");
}

TEST_CASE("full and excluded engines are left out", "[engine_choice]") {
  Bids bids;
  bids.add("a", 2, true, 2);
  bids.add("b", 9, false, 10);
  bids.add("c", 3);
  bids.add("d", 0).tier = EngineTier::Excluded;
  CHECK(bids.order() == "cb");
}

TEST_CASE("an engine in trouble is taken only where no other has room", "[engine_choice]") {
  Bids bids;
  bids.add("a", 0).tier = EngineTier::Unhealthy;
  bids.add("b", 1).tier = EngineTier::JustFailed;
  bids.add("c", 5);
  CHECK(bids.order() == "cba");
}

TEST_CASE("engines that settle are waited for rather than worse ones taken", "[engine_choice]") {
  Bids bids;
  bids.add("a", 0).settling = 300ms;
  bids.add("b", 4).settling = 200ms;
  bids.add("c", 0).tier = EngineTier::Unhealthy;
  const auto choice = choose_engine(bids.bids);
  CHECK(choice.pick == EnginePick::Wait);
  CHECK(choice.wait == 200ms);
  bids.add("d", 9);
  CHECK(bids.bids[choose_engine(bids.bids).at].id == "d");
}

TEST_CASE("no engines, no choice", "[engine_choice]") { CHECK(Bids{}.order().empty()); }
