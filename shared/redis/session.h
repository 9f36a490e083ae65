#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/loop/loop.h"
#include "shared/loop/timer.h"
#include "shared/redis/address.h"
#include "shared/redis/backoff.h"
#include "shared/redis/client.h"
#include "shared/redis/endpoint.h"
#include "shared/redis/link.h"

namespace ace::redis {

/// What every connection of ours does whatever it carries: find the server, connect, log in, notice
/// that it died, answer what was asked, and try again. It owns the queue of unanswered commands.
///
/// Deadlines are counted in ticks of its own timer, not in clock time: while the worker itself
/// stands still no tick passes, so a frozen worker does not blame Redis when it wakes.
class Session final : public Link::Listener, public std::enable_shared_from_this<Session> {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_session_up() = 0;
    /// As Client::Listener::on_redis_down; also once for a first attempt that fails.
    virtual void on_session_down(const Error& why) = 0;
    virtual void on_session_push(Reply message) = 0;
  };
  /// Whether an idle connection is asked for a sign of life. hiredis 0.14 cannot answer a PING on a
  /// subscribed one.
  enum class Idle { Ping, LeaveAlone };
  /// Strict: the oldest command has its deadline. WhileBytesFlow: the deadline starts anew whenever
  /// bytes arrive (or a blocked write goes on), up to five times its length: a pipeline of large
  /// values over a slow line is no sign of death, a line that only dribbles is.
  enum class Patience { Strict, WhileBytesFlow };
  struct Options {
    loop::Loop& loop;
    loop::TimerFactory& timers;
    Endpoint endpoint;
    Deadlines deadlines;
    Idle idle;
    Patience patience;
    const char* role;  ///< for the log
  };

  Session(Options options, LinkFactory open_link, Owner& owner);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// Begins to connect in the next turn.
  void start();
  /// The owner is gone: it is not called any more, commands are answered with Closed in the next
  /// turn.
  void close();
  /// Gives the connection up for a reason that the session cannot see, and makes a new one.
  void give_up(Error why);

  [[nodiscard]] bool is_up() const { return state_ == State::Up; }
  /// As Commands promises.
  void command(Args args, ReplyCallback callback);
  void eval(const Script& script, const std::vector<std::string>& keys, const Args& args,
            ReplyCallback callback);
  /// While up: the owner has given the link a command by itself, whose answer goes to `callback`.
  void expect(ReplyCallback callback);
  /// For a command that cannot be sent: Unavailable, in the next turn.
  void refuse(ReplyCallback callback);

 private:
  enum class State { Waiting, Resolving, Connecting, LoggingIn, Up, Closed };
  struct Pending {
    ReplyCallback callback;
    std::uint64_t sent_at{};  // in ticks
  };

  void on_link_connected() override;
  void on_link_reply(Result<Reply> reply) override;
  void on_link_push(Reply message) override;
  void on_link_progress() override { progress_at_ = ticks_; }
  void on_link_lost(Error why) override { down(std::move(why)); }

  void begin_round();
  void on_addresses(Result<std::vector<Address>> found);
  void connect_next();
  void arm_connect_deadline();
  void log_in();
  void login_step(const char* step, const Args& args);
  void on_login_answer(const char* step, bool is_last, const Result<Reply>& answer);
  void come_up();

  void on_tick();
  [[nodiscard]] bool is_overdue() const;
  void ping();

  void down(Error why);
  void retry_later();
  void tell_down(bool was_up, const Error& why);
  void drop_link();
  [[nodiscard]] std::function<void()> weakly(void (Session::*method)());

  const Options options_;
  const LinkFactory open_link_;
  Owner* owner_;
  State state_{State::Waiting};
  std::unique_ptr<loop::Timer> timer_;  // retry, connect deadline or ticks, by state
  Resolver resolver_;
  Backoff backoff_;
  std::vector<Address> addresses_;
  std::size_t next_address_{};
  std::shared_ptr<Link> link_;

  std::deque<Pending> pending_;
  std::uint64_t ticks_{};
  std::uint64_t up_at_{};
  std::uint64_t used_at_{};
  std::uint64_t progress_at_{};

  bool is_told_down_{};
  std::string last_reason_;
};

}  // namespace ace::redis
