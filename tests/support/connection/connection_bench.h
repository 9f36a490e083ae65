#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "coordinator/host/scoreboard.h"
#include "proto/ids.h"
#include "shared/loop/loop.h"
#include "tests/support/clock/fake_timers.h"
#include "tests/support/clock/manual_clock.h"
#include "workers/http/answers.h"
#include "workers/http/connection.h"
#include "workers/http/router.h"

namespace ace::test {

/// One http::Connection with a loop, a router and a client's end of its socket. It serves
///   GET /now       at once
///   GET /later     in a later turn of the loop
///   GET /taken     by taking the socket away
///   GET /large     with kLargeBytes
///   POST /body     with the size of the body
///   POST /locked   to nobody
class ConnectionBench final : private http::Connection::Listener {
 public:
  static constexpr std::size_t kLargeBytes = 4U << 20U;
  /// What the answer to a body is refused with when the head is enough to know.
  static constexpr int kLocked = 401;

  explicit ConnectionBench(http::StrangerBytes::Limits limits = {.total = 64U << 20U,
                                                                 .per_address = 8U << 20U});
  ~ConnectionBench() override;

  /// Sends as the client, and lets the connection do what it does at once.
  void send(std::string_view bytes);
  /// The client sends no more.
  void end();
  void run_turns(int turns);
  /// Runs until the connection is done; false: it is not, after a great many turns.
  [[nodiscard]] bool run_to_end();
  /// All that the client was sent since the last call.
  [[nodiscard]] std::string received();

  [[nodiscard]] bool is_done() const { return connection_ == nullptr; }
  /// Requests that were read whole.
  [[nodiscard]] std::size_t requests() const { return requests_; }
  [[nodiscard]] const host::SlotBoard& slot() const { return board_->slots[0]; }
  [[nodiscard]] FakeTimers& timers() { return timers_; }

 private:
  void add_routes();
  bool on_head(http::Connection& connection, const proto::http::Request& head) override;
  void on_request(http::Connection& connection, proto::http::Request request) override;
  void on_connection_done(http::Connection& connection) override;

  ManualClock clock_;
  loop::Loop loop_;
  FakeTimers timers_{clock_};
  std::unique_ptr<host::Scoreboard> board_{std::make_unique<host::Scoreboard>()};
  proto::WorkerId worker_{"bench:1"};
  http::Answers answers_{worker_, clock_};
  http::Router router_{answers_};
  http::ConnectionLimits limits_;
  net::IpSet no_proxies_;
  http::StrangerBytes strangers_;
  http::TurnQueue turns_{loop_, clock_};
  http::ConnectionServices services_;
  UniqueFd client_;
  std::unique_ptr<http::Connection> connection_;
  std::size_t requests_{};
};

}  // namespace ace::test
