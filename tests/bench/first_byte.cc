#include "tests/bench/first_byte.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/e2e/stream/service.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/viewers/viewers.h"

namespace ace::bench {
namespace {

constexpr std::chrono::seconds kStartTimeout{20};
/// More than the burst that a join gets.
constexpr std::chrono::seconds kWarmUp{8};
/// The last joins stay for a while: placement then has room on both sides, so that joins come to
/// the owner and to followers in turn. Were each gone before the next, all would come to one
/// worker.
constexpr std::size_t kStaying = 5;
/// Lets a join's burst pass before the next one is timed.
constexpr std::chrono::milliseconds kBetweenJoins{25};

/// Viewers on a thread of their own: who reads for them is not who takes the time.
class Audience {
 public:
  Audience(std::uint16_t port, std::size_t count, const std::string& target)
      : thread_{[=, this](const std::stop_token& stop) { watch(stop, port, count, target); }} {}

  [[nodiscard]] bool is_served() const { return is_served_; }

 private:
  void watch(const std::stop_token& stop, std::uint16_t port, std::size_t count,
             const std::string& target) {
    test::Viewers viewers{port};
    viewers.open(count, target, {.discard = true, .connect_spread = std::chrono::seconds{1}});
    while (!stop.stop_requested()) {
      viewers.run_for(std::chrono::milliseconds{20});
      is_served_ = viewers.count_with_bytes(1) == count;
    }
  }

  std::atomic<bool> is_served_{};
  std::jthread thread_;  // last: it uses what is above
};

}  // namespace

FirstBytes measure_first_bytes(const Joining& joining) {
  const test::Service service{{.workers = joining.workers, .bitrate = joining.bitrate}};
  const auto target = test::stream_target(test::stream_id(1));
  const auto staying = std::min(joining.viewers, kStaying);
  const Audience audience{service.port(), joining.viewers - staying, target};
  if (!test::wait_until([&] { return audience.is_served(); }, kStartTimeout)) {
    throw std::runtime_error{"the stream's viewers are not served"};
  }
  test::Viewers joins{service.port()};
  joins.run_for(kWarmUp);
  const auto owner = service.owner().id;

  FirstBytes times;
  std::deque<std::size_t> watching;
  for (std::size_t i = 0; i < joining.joins; ++i) {
    const auto join = joins.open(1, target, {.discard = true});
    const auto& viewer = joins.at(join);
    if (!joins.run_until([&] { return viewer.bytes() > 0; }, kStartTimeout)) {
      throw std::runtime_error{"join " + std::to_string(i) + " was not served"};
    }
    auto& of_its_worker = viewer.worker() == owner ? times.owner : times.followers;
    of_its_worker.push_back(*viewer.first_byte_after());
    watching.push_back(join);
    if (watching.size() > staying) {
      joins.close(watching.front());
      watching.pop_front();
    }
    joins.run_for(kBetweenJoins);
  }
  std::ranges::sort(times.owner);
  std::ranges::sort(times.followers);
  return times;
}

}  // namespace ace::bench
