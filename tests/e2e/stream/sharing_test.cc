#include <algorithm>
#include <set>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/viewers/numbered_ts.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kViewers = 40;

/// What the host's workers and Redis have carried by some moment.
struct Carried {
  std::uint64_t from_engine{};
  std::uint64_t out_of_redis{};
  std::uint64_t index{};
};

/// Read while the engine is silent, once all that it has sent is with all viewers, but for what
/// lies before the first PAT: what is on its way would be in one figure and not yet in another.
Carried carried(const Service& service, Viewers& viewers, const std::string& id) {
  service.engines().fault("stall");
  const NumberedStream stream{infohash_of_content(id), ServiceOptions{}.bitrate};
  const auto before_pat = stream.interval() * kTsPacketSize;
  const auto has_arrived = [&] {
    const auto newest = viewers.at(0).checker().last_seq();
    for (std::size_t i = 1; i < viewers.size(); ++i) {
      if (viewers.at(i).checker().last_seq() != newest) return false;
    }
    const auto sent = service.engines().state().stream(id).bytes_sent;
    return sent - service.owner().bytes_from_engines < before_pat;
  };
  REQUIRE(viewers.run_until(has_arrived, 30s));
  const Carried now{.from_engine = service.owner().bytes_from_engines,
                    .out_of_redis = service.redis_info("stats", "total_net_output_bytes"),
                    .index = static_cast<std::uint64_t>(
                        service.redis_number({"GET", stream_key(id, "buffer:index")}))};
  service.engines().clear_faults();
  return now;
}

std::vector<WorkerRow> followers(const Service& service) {
  auto rows = service.workers();
  std::erase_if(rows, [](const auto& row) { return row.owned_streams > 0 || row.clients == 0; });
  return rows;
}

void check_bytes(const Viewers& viewers, const std::string& id) {
  CHECK(viewers.faults().empty());
  CHECK(viewers.count(ViewerState::Streaming) == kViewers);
  const auto tag = stream_tag(infohash_of_content(id));
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    CHECK(viewers.at(i).checker().tag() == tag);
    CHECK(viewers.at(i).checker().counts().missing == 0);
  }
}

}  // namespace

TEST_CASE("40 viewers on 4 workers get the engine's bytes out of one session", "[sharing]") {
  const Service service;
  const auto id = stream_id(1);
  Viewers viewers{service.port()};
  viewers.open(kViewers, stream_target(id));
  REQUIRE(all_served(viewers, 20s));
  const auto joined = carried(service, viewers, id);
  // 1 MB/s for 10 s.
  REQUIRE(viewers.run_until([&] { return viewers.count_with_bytes(10'000'000) == kViewers; }, 60s));
  const auto end = carried(service, viewers, id);

  check_bytes(viewers, id);
  const auto session = service.engines().state().stream(id);
  CHECK(session.opened == 1);
  CHECK(session.max_alive == 1);
  CHECK(viewers.workers().size() == 4);

  // No chunk is fetched twice by a follower, and in the end none was left out.
  const auto has_caught_up = [&] {
    const auto rows = followers(service);
    return std::ranges::all_of(
        rows, [&](const auto& row) { return row.chunks_fetched >= end.index - joined.index; });
  };
  CHECK(viewers.run_until(has_caught_up, 20s));
  const auto rows = followers(service);
  const auto newest =
      static_cast<std::uint64_t>(service.redis_number({"GET", stream_key(id, "buffer:index")}));
  REQUIRE(rows.size() == 3);
  for (const auto& row : rows) CHECK(row.chunks_fetched <= newest);
  CHECK(service.owner().chunks_fetched == 0);

  // Redis itself has sent each byte once to each follower; scripts and events are small change.
  const auto media = end.from_engine - joined.from_engine;
  const auto sent = end.out_of_redis - joined.out_of_redis;
  CHECK(sent > media * rows.size() * 9 / 10);
  CHECK(sent < media * rows.size() * 11 / 10);
}
