#include "tests/support/viewers/viewers.h"

#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <numeric>

namespace ace::test {
namespace {

/// Long enough to be cheap, short enough for paced connects and read limits.
constexpr std::chrono::milliseconds kTick{10};
constexpr std::size_t kReadSize = 256_KiB;

}  // namespace

Viewers::Viewers(std::uint16_t port)
    : port_{port}, epoll_{::epoll_create1(EPOLL_CLOEXEC)}, buffer_(kReadSize) {}

std::size_t Viewers::open(std::size_t count, const std::string& target,
                          const ViewerOptions& options) {
  const std::size_t first = viewers_.size();
  const auto now = clock_.now();
  for (std::size_t i = 0; i < count; ++i) {
    const auto delay = std::chrono::nanoseconds{options.connect_spread} * i / count;
    unsettled_.push_back(viewers_.size());
    viewers_.emplace_back(port_, target, options, now + delay);
    watches_.emplace_back();
  }
  return first;
}

void Viewers::run_for(std::chrono::milliseconds duration) {
  static_cast<void>(run_until([] { return false; }, duration));
}

bool Viewers::run_until(const std::function<bool()>& is_reached,
                        std::chrono::milliseconds timeout) {
  const auto deadline = clock_.now() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - clock_.now());
    // Behind the deadline what has come is still read: it may be we who had no turn before it.
    if (left.count() <= 0) step(std::chrono::milliseconds{0});
    if (is_reached()) return true;
    if (left.count() <= 0) return false;
    step(left);
  }
}

void Viewers::step(std::chrono::milliseconds wait) {
  const bool is_ticking = update_watches(clock_.now());
  std::array<epoll_event, 256> events;
  // Also without a tick: what run_until asks about may be changed by somebody else.
  const auto limit = std::min(wait, is_ticking ? kTick : 5 * kTick);
  const int ready = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()),
                                 static_cast<int>(limit.count()));
  for (int i = 0; i < ready; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    const auto index = static_cast<std::size_t>(event.data.u64);
    viewers_[index].on_ready(event.events, clock_.now(), buffer_, ages_);
    unsettled_.push_back(index);
  }
}

bool Viewers::update_watches(SteadyTime now) {
  std::vector<std::size_t> still_unsettled;
  for (const auto index : unsettled_) {
    auto& viewer = viewers_[index];
    auto& watch = watches_[index];
    if (viewer.state() == ViewerState::Waiting && viewer.connect_at() <= now) viewer.connect(now);
    if (viewer.fd() < 0) {
      // A closed descriptor leaves epoll by itself.
      if (!viewer.is_over()) still_unsettled.push_back(index);
      continue;
    }
    const auto events = viewer.wanted_events(now);
    if (events == 0) still_unsettled.push_back(index);  // its read limit: look again next tick
    if (watch.is_added && watch.events == events) continue;
    epoll_event wanted{};
    wanted.events = events;
    wanted.data.u64 = index;
    ::epoll_ctl(epoll_.get(), watch.is_added ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, viewer.fd(), &wanted);
    watch = {.events = events, .is_added = true};
  }
  unsettled_.swap(still_unsettled);
  return !unsettled_.empty();
}

void Viewers::close(std::size_t index, bool with_reset) { viewers_.at(index).close(with_reset); }

void Viewers::close_all(bool with_reset) {
  for (auto& viewer : viewers_) viewer.close(with_reset);
}

std::size_t Viewers::count(ViewerState state) const {
  return static_cast<std::size_t>(std::ranges::count(viewers_, state, &Viewer::state));
}

std::size_t Viewers::count_with_bytes(std::uint64_t bytes) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      viewers_, [&](const Viewer& viewer) { return viewer.bytes() >= bytes; }));
}

std::uint64_t Viewers::total_bytes() const {
  return std::accumulate(
      viewers_.begin(), viewers_.end(), std::uint64_t{0},
      [](std::uint64_t sum, const Viewer& viewer) { return sum + viewer.bytes(); });
}

std::map<std::string, std::size_t> Viewers::workers() const {
  std::map<std::string, std::size_t> counts;
  for (const auto& viewer : viewers_) {
    if (!viewer.worker().empty()) ++counts[viewer.worker()];
  }
  return counts;
}

std::string Viewers::faults() const {
  std::string text;
  for (std::size_t i = 0; i < viewers_.size(); ++i) {
    for (const auto& record : viewers_[i].checker().faults()) {
      text += fmt::format("viewer {} at byte {}: {}, {}\n", i, record.offset,
                          to_string(record.fault), record.text);
    }
  }
  return text;
}

std::vector<std::chrono::nanoseconds> Viewers::first_bytes() const {
  std::vector<std::chrono::nanoseconds> times;
  for (const auto& viewer : viewers_) {
    if (const auto after = viewer.first_byte_after()) times.push_back(*after);
  }
  std::ranges::sort(times);
  return times;
}

std::chrono::nanoseconds Viewers::longest_pause() const {
  std::chrono::nanoseconds longest{0};
  for (const auto& viewer : viewers_)
    longest = std::max(longest, viewer.longest_pause(clock_.now()));
  return longest;
}

}  // namespace ace::test
