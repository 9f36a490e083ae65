#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "shared/base/clock.h"
#include "shared/base/unique_fd.h"
#include "tests/support/process/http_reply.h"
#include "tests/support/process/http_request.h"
#include "tests/support/viewers/age_histogram.h"
#include "tests/support/viewers/numbered_checker.h"

namespace ace::test {

struct ViewerOptions {
  bool http10{false};
  /// Takes the body as fast as it comes and does not look at it (framing included in `bytes`):
  /// for load. How the body ends is then not judged either.
  bool discard{false};
  std::uint64_t read_limit{};  ///< bytes a second; 0: as fast as they come
  int receive_buffer{};        ///< SO_RCVBUF; 0: the system's choice
  std::string method{"GET"};
  HeaderList headers{};
  /// The connections are opened one after the other over this time.
  std::chrono::milliseconds connect_spread{0};
  /// What it asks for may lead to a stream of another name.
  bool takes_any_stream{false};
};

enum class ViewerState {
  Waiting,  ///< its turn to connect has not come
  Connecting,
  Head,  ///< connected, the reply's head is not there yet
  Streaming,
  Finished,   ///< the reply ended as its framing says
  Truncated,  ///< the peer closed before that
  Reset,      ///< the connection was reset
  Refused,
  Broken,  ///< not HTTP
  Closed,  ///< by us
};

/// One connection that asks for a stream and checks it: that it is the one asked for, too. Driven
/// by Viewers.
class Viewer {
 public:
  Viewer(std::uint16_t port, std::string target, const ViewerOptions& options,
         SteadyTime connect_at);

  [[nodiscard]] ViewerState state() const { return state_; }
  [[nodiscard]] bool is_over() const { return state_ >= ViewerState::Finished; }
  [[nodiscard]] int status() const { return parser_.status(); }
  [[nodiscard]] const Headers& headers() const { return parser_.headers(); }
  /// What X-Ace-Worker said; empty without it.
  [[nodiscard]] std::string worker() const;
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }
  [[nodiscard]] const NumberedChecker& checker() const { return checker_; }
  /// The body of a reply that is not 200, as far as it is short.
  [[nodiscard]] const std::string& error_body() const { return error_body_; }
  /// From the start of the connection to the first byte of the body.
  [[nodiscard]] std::optional<std::chrono::nanoseconds> first_byte_after() const;
  /// The longest time without a byte of the body, the one that is running included.
  [[nodiscard]] std::chrono::nanoseconds longest_pause(SteadyTime now) const;

  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] SteadyTime connect_at() const { return connect_at_; }
  void connect(SteadyTime now);
  /// What epoll shall wait for now: EPOLLIN, EPOLLOUT or nothing (its read limit is used up).
  [[nodiscard]] std::uint32_t wanted_events(SteadyTime now) const;
  void on_ready(std::uint32_t events, SteadyTime now, std::span<std::byte> buffer,
                AgeHistogram& ages);
  void close(bool with_reset);

 private:
  void send_request();
  void read(SteadyTime now, std::span<std::byte> buffer, AgeHistogram& ages);
  void on_body(ByteSpan bytes, SteadyTime now, AgeHistogram& ages);
  void count_body(std::size_t size, SteadyTime now);
  void finish(ViewerState how);
  [[nodiscard]] std::size_t allowance(SteadyTime now) const;

  std::uint16_t port_;
  std::string target_;
  ViewerOptions options_;
  SteadyTime connect_at_;
  UniqueFd fd_;
  ViewerState state_{ViewerState::Waiting};
  std::string unsent_;
  HttpReplyParser parser_;
  NumberedChecker checker_;
  std::string error_body_;
  std::uint64_t bytes_{};
  std::uint64_t received_{};  ///< with the head: what the read limit counts
  SteadyTime connected_at_{};
  std::optional<SteadyTime> first_byte_at_;
  SteadyTime last_byte_at_{};
  std::chrono::nanoseconds longest_pause_{0};
};

}  // namespace ace::test
