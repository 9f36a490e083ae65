#include <algorithm>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/long_run.h"

using namespace ace::test;
using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr double kWatching = 200;  // on average
constexpr Seconds kStay{2};        // on average: an evening of it takes seconds
constexpr auto kStep = 20ms;
constexpr auto kBetweenSamples = 250ms;

/// Clients that come at random, each for a stay of its own that is mostly short and sometimes long.
class Audience {
 public:
  Audience(const Service& service, unsigned streams, unsigned seed)
      : viewers_{service.port()}, streams_{streams}, random_{seed} {}

  /// One step of coming and going.
  void step() {
    const auto now = Clock::now();
    for (; !stays_.empty() && stays_.top().first <= now; stays_.pop()) {
      viewers_.close(stays_.top().second, random_() % 2 == 0);
    }
    for (; next_arrival_ <= now; next_arrival_ += pick(kStay / kWatching)) come(next_arrival_);
    viewers_.run_for(kStep);
  }
  [[nodiscard]] const Viewers& viewers() const { return viewers_; }

 private:
  [[nodiscard]] Clock::duration pick(Seconds mean) {
    std::exponential_distribution<double> distribution{1 / mean.count()};
    return std::chrono::duration_cast<Clock::duration>(Seconds{distribution(random_)});
  }
  void come(Clock::time_point now) {
    const auto stream = 1 + static_cast<unsigned>(random_() % streams_);
    const auto index = viewers_.open(1, stream_target(stream_id(stream)));
    stays_.emplace(now + pick(kStay), index);
  }

  using Stay = std::pair<Clock::time_point, std::size_t>;  // until when, and whose
  Viewers viewers_;
  unsigned streams_;
  std::mt19937 random_;
  Clock::time_point next_arrival_{Clock::now()};
  std::priority_queue<Stay, std::vector<Stay>, std::greater<>> stays_;
};

struct Load {
  std::uint64_t total{};
  std::uint64_t most{};  ///< on one worker
};

/// As the viewers know it: a busy worker learns late who has left it.
Load load_of(const Viewers& viewers) {
  std::map<std::string, std::uint64_t> clients;
  Load load;
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    const auto& viewer = viewers.at(i);
    if (viewer.state() != ViewerState::Streaming) continue;
    ++load.total;
    load.most = std::max(load.most, ++clients[viewer.worker()]);
  }
  return load;
}

void check_stays_balanced(unsigned streams) {
  const Service service{{.workers = 4, .bitrate = 64'000}};
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  Audience audience{service, streams, seed};
  const auto churn = is_long_run() ? Seconds{300} : Seconds{15};
  const auto grown = Clock::now() + 3 * std::chrono::duration_cast<Clock::duration>(kStay);
  const auto end = grown + std::chrono::duration_cast<Clock::duration>(churn);
  auto next_sample = grown;
  double worst = 0;
  int samples = 0;
  int beyond = 0;
  while (Clock::now() < end) {
    audience.step();
    if (Clock::now() < next_sample) continue;
    next_sample += kBetweenSamples;
    const auto load = load_of(audience.viewers());
    if (load.total < 100) continue;  // below, a few viewers of a stream stay together
    const auto mean = static_cast<double>(load.total) / 4;
    worst = std::max(worst, static_cast<double>(load.most) / mean);
    if (static_cast<double>(load.most) > 1.25 * mean + 1) ++beyond;
    ++samples;
  }
  WARN(audience.viewers().size() << " joins, " << samples << " samples, worst " << worst);
  CHECK(samples > 10);
  // Who watches is never moved: where many leave at once, only those who come can make up for it.
  CHECK(beyond * 10 <= samples);
  CHECK(worst <= 1.75);
  CHECK(audience.viewers().count(ViewerState::Refused) == 0);
  CHECK(audience.viewers().count(ViewerState::Reset) == 0);
  CHECK(audience.viewers().count(ViewerState::Truncated) == 0);
  CHECK(audience.viewers().faults().empty());
}

}  // namespace

TEST_CASE("clients who come and go on one stream stay spread over the workers", "[balance]") {
  check_stays_balanced(1);
}

TEST_CASE("clients who come and go on ten streams stay spread over the workers", "[balance]") {
  check_stays_balanced(10);
}
