#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/redis/endpoint.h"
#include "shared/redis/reply.h"

namespace ace::test {

/// A private redis-server for one test: on a unix socket in a directory of its own, writing nothing
/// to disk, dead with the test whatever way that ends. Throws std::runtime_error when the server
/// cannot be had: a test without it has nothing to say.
class RedisServer {
 public:
  enum class Tcp { Off, On };  ///< On: also on 127.0.0.1, at a port that is free
  struct Options {
    Tcp tcp{Tcp::Off};
    std::string password;
    /// Further arguments, as on the command line: {"--maxmemory", "2mb"}.
    std::vector<std::string> arguments;
    /// In front of the command line: {"env", "NAME=value"}.
    std::vector<std::string> launcher{};
  };

  RedisServer();
  explicit RedisServer(Options options);
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// How to reach it over the unix socket.
  [[nodiscard]] redis::Endpoint endpoint() const;
  /// How to reach it over TCP; only with Tcp::On.
  [[nodiscard]] redis::Endpoint tcp_endpoint() const;

  /// Stops answering without closing anything, as a frozen host does; and goes on.
  void pause();
  void resume();
  /// Ends at once (SIGKILL). Nothing is left to connect to.
  void kill();
  /// From now on who connects must show it; empty: nobody must. command() does.
  void require_password(const std::string& password);
  /// A new server at the same places, with nothing in it.
  void restart();
  /// Keeps what there is on disk, dies, and comes back as a server that takes about `loading` to
  /// read it. Until then it answers everything with an error.
  void restart_loading(std::chrono::milliseconds loading);
  [[nodiscard]] bool is_loading() const;

  /// One command and its answer, blocking, over a connection of its own.
  [[nodiscard]] Result<redis::Reply> command(const std::vector<std::string>& args) const;

 private:
  void start();
  void start_process(const std::vector<std::string>& further = {});
  [[nodiscard]] bool await_pong() const;
  [[nodiscard]] std::vector<std::string> command_line() const;

  Options options_;
  std::string directory_;
  std::uint16_t port_{};
  pid_t pid_{-1};
};

}  // namespace ace::test
