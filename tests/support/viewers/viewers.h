#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "shared/base/clock.h"
#include "tests/support/viewers/age_histogram.h"
#include "tests/support/viewers/viewer.h"

namespace ace::test {

/// Any number of viewers of one server on 127.0.0.1, in one epoll loop that runs only while a run
/// method does; between them the sockets fill. Not for threads.
class Viewers {
 public:
  explicit Viewers(std::uint16_t port);
  Viewers(const Viewers&) = delete;
  Viewers& operator=(const Viewers&) = delete;

  /// Adds viewers; they connect while the loop runs. @returns the index of the first.
  std::size_t open(std::size_t count, const std::string& target, const ViewerOptions& options = {});
  void run_for(std::chrono::milliseconds duration);
  /// Runs until `is_reached` (asked after each round of events); false when `timeout` came first.
  [[nodiscard]] bool run_until(const std::function<bool()>& is_reached,
                               std::chrono::milliseconds timeout);
  void close(std::size_t index, bool with_reset = false);
  void close_all(bool with_reset = false);

  [[nodiscard]] const Viewer& at(std::size_t index) const { return viewers_.at(index); }
  [[nodiscard]] std::size_t size() const { return viewers_.size(); }
  [[nodiscard]] std::size_t count(ViewerState state) const;
  /// How many have got at least `bytes` of their body.
  [[nodiscard]] std::size_t count_with_bytes(std::uint64_t bytes) const;
  [[nodiscard]] std::uint64_t total_bytes() const;
  /// How many viewers each X-Ace-Worker has.
  [[nodiscard]] std::map<std::string, std::size_t> workers() const;
  /// The faults of all viewers, one a line; empty when every stream was clean.
  [[nodiscard]] std::string faults() const;
  /// Times to the first byte of the body, sorted.
  [[nodiscard]] std::vector<std::chrono::nanoseconds> first_bytes() const;
  [[nodiscard]] std::chrono::nanoseconds longest_pause() const;

  /// Ages of the numbered packets that all viewers got since the last restart_ages().
  [[nodiscard]] const AgeHistogram& ages() const { return ages_; }
  void restart_ages() { ages_.clear(); }

 private:
  struct Watch {
    std::uint32_t events{};
    bool is_added{};
  };

  void step(std::chrono::milliseconds wait);
  /// @returns whether some viewer waits for time to pass rather than for its socket.
  [[nodiscard]] bool update_watches(SteadyTime now);

  std::uint16_t port_;
  SystemClock clock_;
  UniqueFd epoll_;
  std::deque<Viewer> viewers_;
  std::vector<Watch> watches_;
  std::vector<std::size_t> unsettled_;  ///< viewers whose watch may have to change
  std::vector<std::byte> buffer_;
  AgeHistogram ages_;
};

}  // namespace ace::test
