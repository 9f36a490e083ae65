#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "shared/base/clock.h"
#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "tests/engine_sim/request.h"

namespace ace::sim {

enum class CloseHow { Finish, Reset };

/// One accepted connection: one request in, one reply out. It closes itself when the peer does;
/// whoever owns it looks at is_closed() and destroys it later, never from its callback.
class Connection {
 public:
  using OnRequest = std::function<void(Connection&, const Request&)>;

  Connection(loop::Loop& loop, std::uint64_t id, UniqueFd fd, OnRequest on_request);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] std::uint64_t id() const { return id_; }
  [[nodiscard]] bool is_closed() const { return !fd_; }
  /// Bytes that the socket has not taken yet.
  [[nodiscard]] std::size_t queued() const { return unsent_.size() - sent_; }

  void write(std::string_view bytes);
  /// write(), and close once all of it is sent.
  void finish_with(std::string_view bytes);
  /// From now on at most so many bytes a second, given out by tick().
  void limit_rate(double bytes_per_second, SteadyTime now);
  /// From now on in many writes of odd sizes.
  void split_writes(bool on) { is_split_ = on; }
  void tick(SteadyTime now);
  void close(CloseHow how);

 private:
  void on_ready();
  void read();
  void flush();
  [[nodiscard]] std::size_t next_piece();

  std::uint64_t id_;
  UniqueFd fd_;
  OnRequest on_request_;
  std::unique_ptr<loop::FdWatcher> watcher_;
  std::string head_;
  bool has_request_{};
  std::string unsent_;
  std::size_t sent_{};  ///< of unsent_: a queue of megabytes is not moved at each write
  bool closes_when_sent_{};
  bool is_split_{};
  std::uint64_t pieces_{};
  double rate_{};  ///< bytes a second; 0: unlimited
  double allowance_{};
  SteadyTime last_tick_{};
};

}  // namespace ace::sim
