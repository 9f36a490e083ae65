#include "tests/stress/soak_crowd.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace ace::stress {
namespace {

using namespace std::chrono_literals;
using test::ViewerState;

constexpr auto kRound = 50ms;
/// From a worker's death to the last viewer who learns of it.
constexpr auto kLossTime = 5s;
/// Until the last engine trouble is over for all, and then until each has got something. Whoever
/// asked an engine that hung then waits 15 s for its answer, and up to 8 s before it asks again.
constexpr auto kCalm = 30s;
constexpr auto kSupplyTime = 10s;
constexpr auto kForEver = std::chrono::steady_clock::time_point::max();

const char* name_of(ViewerState state) {
  switch (state) {
    case ViewerState::Waiting:
      return "waiting";
    case ViewerState::Connecting:
      return "connecting";
    case ViewerState::Head:
      return "waiting for the head";
    case ViewerState::Streaming:
      return "streaming";
    case ViewerState::Finished:
      return "finished";
    case ViewerState::Truncated:
      return "truncated";
    case ViewerState::Reset:
      return "reset";
    case ViewerState::Refused:
      return "refused";
    case ViewerState::Broken:
      return "not HTTP";
    case ViewerState::Closed:
      return "closed";
  }
  return "";
}

}  // namespace

SoakCrowd::SoakCrowd(const test::Service& service, Size size, unsigned seed, Violations& violations)
    : viewers_{service.port()}, size_{size}, random_{seed}, violations_{violations} {
  for (std::size_t i = 0; i < size.staying; ++i) {
    staying_.push_back(come(static_cast<unsigned>(i % size.streams), kForEver));
  }
}

SoakCrowd::Watcher SoakCrowd::come(unsigned stream, Time leaves) {
  ++visits_;
  const auto target = test::stream_target(test::stream_id(1 + stream));
  return {.viewer = viewers_.open(1, target), .stream = stream, .leaves = leaves};
}

SoakCrowd::Watcher SoakCrowd::zap() {
  const auto stream = static_cast<unsigned>(random_() % size_.streams);
  return come(stream, std::chrono::steady_clock::now() + 100ms + random_() % 4000 * 1ms);
}

void SoakCrowd::run_for(std::chrono::milliseconds duration) {
  const auto end = std::chrono::steady_clock::now() + duration;
  for (auto now = end - duration; now < end; now = std::chrono::steady_clock::now()) {
    look_after(staying_, now);
    look_after(zapping_, now);
    while (zapping_.size() < size_.zapping) zapping_.push_back(zap());
    viewers_.run_for(kRound);
  }
}

void SoakCrowd::look_after(std::vector<Watcher>& watchers, Time now) {
  for (auto& watcher : watchers) {
    const bool is_over = viewers_.at(watcher.viewer).is_over();
    if (!is_over && now < watcher.leaves) continue;
    if (is_over) judge_end(watcher);
    judge_bytes(watcher);
    if (!is_over) viewers_.close(watcher.viewer, random_() % 2 == 0);
    watcher = watcher.leaves == kForEver ? come(watcher.stream, kForEver) : zap();
  }
}

void SoakCrowd::judge_end(const Watcher& watcher) {
  const auto& viewer = viewers_.at(watcher.viewer);
  ++cut_off_;
  const auto is_lost = [&](const std::string& worker) { return viewer.worker() == worker; };
  // A connection that no worker had answered yet may have been any worker's.
  const bool may_be_lost = std::chrono::steady_clock::now() - last_loss_ < kLossTime;
  if (viewer.status() == 0 && may_be_lost) return;
  if (std::ranges::any_of(lost_workers_, is_lost)) return;
  violations_.add(fmt::format("viewer {} of stream {} at {}: {} with status {} after {} bytes {}",
                              watcher.viewer, watcher.stream, viewer.worker(),
                              name_of(viewer.state()), viewer.status(), viewer.bytes(),
                              viewer.error_body()));
}

void SoakCrowd::judge_bytes(const Watcher& watcher) {
  using enum test::StreamFault;
  const auto& viewer = viewers_.at(watcher.viewer);
  for (const auto& record : viewer.checker().faults()) {
    // Whoever is cut off by a death may hold part of a packet.
    if (record.fault == TornEnd) continue;
    violations_.add(fmt::format("viewer {} of stream {} at {}: {} at {}, {}", watcher.viewer,
                                watcher.stream, viewer.worker(), to_string(record.fault),
                                record.offset, record.text));
  }
  const auto& counts = viewer.checker().counts();
  if (counts.faults > viewer.checker().faults().size()) {
    violations_.add(fmt::format("viewer {} of stream {}: {} faults in all, {} bytes",
                                watcher.viewer, watcher.stream, counts.faults, viewer.bytes()));
  }
}

void SoakCrowd::judge_supply() {
  std::map<std::size_t, std::uint64_t> before;
  const auto packets = [&](const Watcher& watcher) {
    return viewers_.at(watcher.viewer).checker().counts().numbered;
  };
  for (const auto& watcher : staying_) before[watcher.viewer] = packets(watcher);
  run_for(kSupplyTime);
  for (const auto& watcher : staying_) {
    if (packets(watcher) > before[watcher.viewer]) continue;
    violations_.add(fmt::format("viewer {} of stream {} gets nothing, and all is well",
                                watcher.viewer, watcher.stream));
  }
}

void SoakCrowd::expect_loss(const std::string& worker) {
  lost_workers_.push_back(worker);
  last_loss_ = std::chrono::steady_clock::now();
}

void SoakCrowd::go_home() {
  run_for(kCalm);
  judge_supply();
  for (const auto* watchers : {&staying_, &zapping_}) {
    for (const auto& watcher : *watchers) judge_bytes(watcher);
  }
  viewers_.close_all();
}

}  // namespace ace::stress
