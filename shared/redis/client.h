#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/loop/timer.h"
#include "shared/redis/endpoint.h"
#include "shared/redis/reply.h"

namespace ace::redis {

/// Called exactly once, never before the asking method has returned. Closed or Timeout: the command
/// may or may not have run. Unavailable: it was not sent.
using ReplyCallback = std::function<void(Result<Reply>)>;

/// A Lua script by its text; sent as EVALSHA, again as EVAL when Redis says NOSCRIPT.
class Script {
 public:
  explicit Script(std::string text);
  [[nodiscard]] const std::string& text() const { return *text_; }
  [[nodiscard]] const std::string& sha1() const { return sha1_; }
  /// For a call in flight, which may outlive the script.
  [[nodiscard]] std::shared_ptr<const std::string> shared_text() const { return text_; }

 private:
  std::shared_ptr<const std::string> text_;
  std::string sha1_;
};

/// What the small control traffic of a worker needs of Redis. An interface, so that tests can stand
/// in for the server.
class Commands {
 public:
  virtual ~Commands() = default;
  /// While not is_up() a command fails at once with Unavailable: nothing queues for a Redis that is
  /// not there.
  virtual void command(std::vector<std::string> args, ReplyCallback callback) = 0;
  virtual void eval(const Script& script, const std::vector<std::string>& keys,
                    const std::vector<std::string>& args, ReplyCallback callback) = 0;
  [[nodiscard]] virtual bool is_up() const = 0;
};

/// The command connection: hiredis' asynchronous context behind our own libuv adapter, with connect
/// and command deadlines, AUTH and SELECT, and reconnection with growing, jittered delay (100 ms to
/// 2 s). Found dead within the command deadline whatever way it died: while idle it sends a PING
/// every second.
class Client final : public Commands {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    /// Once per change. Commands are accepted from within on_redis_up.
    virtual void on_redis_up() = 0;
    /// Every command that was unanswered has been answered with Closed or Timeout before this.
    virtual void on_redis_down(const Error& why) = 0;
  };

  /// Begins to connect. All references must outlive the client.
  Client(loop::Loop& loop, loop::TimerFactory& timers, Endpoint endpoint, Deadlines deadlines,
         Listener& listener);
  ~Client() override;
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void command(std::vector<std::string> args, ReplyCallback callback) override;
  void eval(const Script& script, const std::vector<std::string>& keys,
            const std::vector<std::string>& args, ReplyCallback callback) override;
  [[nodiscard]] bool is_up() const override;
  /// Makes a new connection: the server's name may lead elsewhere by now.
  void give_up(Error why);

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace ace::redis
