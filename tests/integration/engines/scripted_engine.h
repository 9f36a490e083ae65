#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/unique_fd.h"
#include "shared/loop/fd_watcher.h"
#include "shared/loop/loop.h"
#include "shared/loop/timer.h"

namespace ace::test {

/// A peer that does exactly what a test tells it, in the test's own loop: one request a connection,
/// raw bytes back, held, cut or reset on command.
class ScriptedEngine {
 public:
  class Connection {
   public:
    Connection(loop::Loop& loop, UniqueFd fd, std::function<void(Connection&)> on_request);

    /// "/ace/getstream?…" of the request line.
    [[nodiscard]] const std::string& target() const { return target_; }
    /// The whole request head.
    [[nodiscard]] const std::string& head() const { return received_; }
    void send(std::string_view bytes);
    void answer(int status, std::string_view body, std::string_view headers = "");
    /// After what is queued has gone out.
    void close();
    void reset();
    /// What the peer's TCP does not take.
    [[nodiscard]] std::size_t unsent() const { return unsent_.size() - sent_; }
    [[nodiscard]] bool is_open() const { return static_cast<bool>(fd_); }

   private:
    void on_ready();
    void flush();
    void end();

    UniqueFd fd_;
    std::function<void(Connection&)> on_request_;
    std::unique_ptr<loop::FdWatcher> watcher_;
    std::string received_;
    std::string target_;
    std::string unsent_;
    std::size_t sent_{};
    bool closing_{};
  };
  using Script = std::function<void(Connection&)>;

  explicit ScriptedEngine(loop::Loop& loop);

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string url(std::string_view target) const;
  /// What to do for a request whose target begins so; the longest prefix wins. Without one:
  /// silence.
  void on(std::string prefix, Script script) { scripts_[std::move(prefix)] = std::move(script); }
  [[nodiscard]] std::size_t asked(std::string_view prefix) const;
  /// The newest connection whose target begins so, or null.
  [[nodiscard]] Connection* connection(std::string_view prefix) const;

 private:
  void accept();
  void run_script(Connection& connection);

  loop::Loop& loop_;
  UniqueFd listener_;
  std::uint16_t port_{};
  std::map<std::string, Script> scripts_;
  std::vector<std::unique_ptr<Connection>> connections_;
  std::unique_ptr<loop::FdWatcher> watcher_;
};

/// A port on which nobody listens, nor will: kept, so that no other process gets it meanwhile.
class ClosedPort {
 public:
  ClosedPort();
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  UniqueFd bound_;
  std::uint16_t port_{};
};

/// A listening port whose queue is full: whoever connects hears nothing at all.
class SilentPort {
 public:
  SilentPort();
  [[nodiscard]] std::uint16_t port() const { return port_; }

 private:
  UniqueFd listener_;
  std::vector<UniqueFd> queue_;
  std::uint16_t port_{};
};

/// Turns the loop until `done`, at most twenty seconds; false when it never came true.
[[nodiscard]] bool run_until(loop::Loop& loop, const std::function<bool()>& done);
/// Turns the loop for that long, for what must not happen.
void run_for(loop::Loop& loop, std::chrono::milliseconds time);

}  // namespace ace::test
