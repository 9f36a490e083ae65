#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "shared/base/clock.h"
#include "shared/base/unique_fd.h"

namespace ace::test {

/// A bad line between TCP clients of a port on 127.0.0.1 and a server on a unix socket. What TCP
/// makes of a line that loses packets is all that either end can see of it: a lost segment, and all
/// behind it, comes one retransmission later. (What it does to TCP's window is left out.)
class LossyLink {
 public:
  struct Quality {
    std::chrono::milliseconds delay{80};  ///< each way
    double loss{0.02};                    ///< of segments
    double bits_per_second{20e6};         ///< each way, of all connections together
  };

  LossyLink(std::string server_socket, Quality quality);
  ~LossyLink();
  LossyLink(const LossyLink&) = delete;
  LossyLink& operator=(const LossyLink&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::uint64_t segments_lost() const { return lost_; }

 private:
  struct Segment {
    SteadyTime due;
    std::vector<std::byte> bytes;  ///< empty: the end
    std::size_t written{};
  };
  /// One direction of a connection.
  struct Way {
    int from{};
    int to{};
    std::deque<Segment> on_line;
    SteadyTime last_due;
    bool has_ended{};  ///< nothing more comes from `from`
    bool is_over{};    ///< and `to` has been told
  };
  struct Connection {
    UniqueFd client;
    UniqueFd server;
    std::array<Way, 2> ways;
    bool is_broken{};
  };

  void run();
  void accept();
  void wait();
  void take(Connection& connection, std::size_t way);
  void deliver(Connection& connection, Way& way);
  [[nodiscard]] SteadyTime due_of(Way& way, std::size_t direction, std::size_t size);

  const std::string server_socket_;
  const Quality quality_;
  SystemClock clock_;
  UniqueFd listening_;
  UniqueFd stop_;
  std::uint16_t port_{};
  std::list<Connection> connections_;
  std::array<SteadyTime, 2> line_free_;
  std::mt19937 random_{20260101};  ///< the same bad luck each time
  std::atomic<std::uint64_t> lost_{};
  std::thread thread_;
};

}  // namespace ace::test
