#include "shared/redis/session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "shared/base/check.h"
#include "shared/base/random_id.h"
#include "shared/log/log.h"

namespace ace::redis {
namespace {

using std::chrono::milliseconds;

/// A deadline is this many ticks long; it is noticed at most one tick late.
constexpr std::uint64_t kTicksPerDeadline = 10;
/// Half a deadline idle: ask for a sign of life (each second with the default of 2 s).
constexpr std::uint64_t kTicksUntilPing = 5;
/// A connection that lasted this long was good: the next delay starts short again.
constexpr std::uint64_t kTicksUntilGood = 5;
constexpr std::uint64_t kPatience = 5;

/// Whether commands on the connection may have run is unknown, whatever ended it.
Error unanswered(const Error& why) {
  return {why.code == Errc::Timeout ? Errc::Timeout : Errc::Closed, why.text};
}

}  // namespace

Session::Session(Options options, LinkFactory open_link, Owner& owner)
    : options_{std::move(options)},
      open_link_{std::move(open_link)},
      owner_{&owner},
      timer_{options_.timers.make()},
      resolver_{options_.loop} {}

std::function<void()> Session::weakly(void (Session::*method)()) {
  return [weak = weak_from_this(), method] {
    if (const auto self = weak.lock()) (self.get()->*method)();
  };
}

void Session::start() { options_.loop.post(weakly(&Session::begin_round)); }

void Session::close() {
  owner_ = nullptr;
  state_ = State::Closed;
  timer_.reset();
  drop_link();
  if (pending_.empty()) return;
  options_.loop.post([left = std::exchange(pending_, {})] {
    for (const auto& pending : left) {
      pending.callback(fail(Errc::Closed, "the connection to redis was given up"));
    }
  });
}

void Session::give_up(Error why) {
  if (state_ == State::Up) down(std::move(why));
}

void Session::command(Args args, ReplyCallback callback) {
  if (!is_up()) return refuse(std::move(callback));
  link_->send(args);
  expect(std::move(callback));
}

void Session::eval(const Script& script, const std::vector<std::string>& keys, const Args& args,
                   ReplyCallback callback) {
  if (!is_up()) return refuse(std::move(callback));
  Args words{"EVALSHA", script.sha1(), std::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), args.begin(), args.end());
  link_->send(words);
  expect([weak = weak_from_this(), text = script.shared_text(), again = std::move(words),
          told = std::move(callback)](Result<Reply> reply) mutable {
    const bool is_unknown =
        !reply && reply.error().code == Errc::Refused && reply.error().text.starts_with("NOSCRIPT");
    if (!is_unknown) return told(std::move(reply));
    const auto self = weak.lock();
    if (!self) return told(fail(Errc::Unavailable, "redis did not know the script"));
    again[0] = "EVAL";
    again[1] = *text;
    self->command(std::move(again), std::move(told));
  });
}

void Session::expect(ReplyCallback callback) {
  pending_.push_back({.callback = std::move(callback), .sent_at = ticks_});
  used_at_ = ticks_;
}

void Session::refuse(ReplyCallback callback) {
  options_.loop.post([told = std::move(callback), why = last_reason_] {
    told(fail(Errc::Unavailable, why.empty() ? "redis is not connected" : "redis is down: " + why));
  });
}

void Session::begin_round() {
  if (state_ != State::Waiting) return;
  next_address_ = 0;
  addresses_ = Resolver::literal(options_.endpoint);
  if (!addresses_.empty()) return connect_next();
  state_ = State::Resolving;
  arm_connect_deadline();
  resolver_.lookup(options_.endpoint, [weak = weak_from_this()](auto found) {
    if (const auto self = weak.lock()) self->on_addresses(std::move(found));
  });
}

void Session::on_addresses(Result<std::vector<Address>> found) {
  if (state_ != State::Resolving) return;
  if (!found) return down(std::move(found).error());
  addresses_ = std::move(*found);
  if (addresses_.empty()) return down({Errc::Unavailable, "the host name has no address"});
  connect_next();
}

void Session::connect_next() {
  if (state_ == State::Closed) return;
  const auto& address = addresses_[next_address_++];
  state_ = State::Connecting;
  arm_connect_deadline();
  auto link = open_link_(address, *this);
  if (!link) return down(std::move(link).error().in(address.describe()));
  link_ = std::move(*link);
}

/// Covers the login too: a stopped server still accepts connections (its kernel does).
void Session::arm_connect_deadline() {
  timer_->once(options_.deadlines.connect, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) {
      self->down({Errc::Timeout, fmt::format("no connection to {} within {} ms",
                                             self->options_.endpoint.describe(),
                                             self->options_.deadlines.connect.count())});
    }
  });
}

void Session::on_link_connected() { log_in(); }

void Session::log_in() {
  state_ = State::LoggingIn;
  const auto& endpoint = options_.endpoint;
  if (!endpoint.password.empty()) {
    login_step("AUTH", endpoint.username.empty()
                           ? Args{"AUTH", endpoint.password}
                           : Args{"AUTH", endpoint.username, endpoint.password});
  }
  if (endpoint.db != 0) login_step("SELECT", {"SELECT", std::to_string(endpoint.db)});
  // A server that still loads its data, or has lost its master, says so to this one.
  login_step("PING", {"PING"});
}

void Session::login_step(const char* step, const Args& args) {
  const bool is_last = args.front() == "PING";
  link_->send(args);
  expect([weak = weak_from_this(), step, is_last](const Result<Reply>& answer) {
    if (const auto self = weak.lock()) self->on_login_answer(step, is_last, answer);
  });
}

void Session::on_login_answer(const char* step, bool is_last, const Result<Reply>& answer) {
  if (state_ != State::LoggingIn) return;  // the connection went before the answer came
  if (!answer) return down(answer.error().in(step));
  if (is_last) come_up();
}

void Session::come_up() {
  state_ = State::Up;
  is_told_down_ = false;
  last_reason_.clear();
  ticks_ = up_at_ = used_at_ = progress_at_ = 0;
  const auto tick = options_.deadlines.command / static_cast<int>(kTicksPerDeadline);
  timer_->every(std::max(tick, milliseconds{1}), weakly(&Session::on_tick));
  log::debug("redis_connection_up", "connection={} at={:?}", options_.role,
             options_.endpoint.describe());
  owner_->on_session_up();
}

void Session::on_link_reply(Result<Reply> reply) {
  const auto self = shared_from_this();
  if (pending_.empty()) return down({Errc::Protocol, "an answer to no command"});
  progress_at_ = ticks_;
  const auto callback = std::move(pending_.front().callback);
  pending_.pop_front();
  callback(std::move(reply));
}

void Session::on_link_push(Reply message) {
  const auto self = shared_from_this();
  if (owner_ != nullptr) owner_->on_session_push(std::move(message));
}

void Session::on_tick() {
  ++ticks_;
  if (ticks_ - up_at_ >= kTicksUntilGood) backoff_.reset();
  if (is_overdue()) {
    return down(
        {Errc::Timeout, fmt::format("no answer from {} within {} ms", options_.endpoint.describe(),
                                    options_.deadlines.command.count())});
  }
  const bool is_idle = pending_.empty() && ticks_ - used_at_ >= kTicksUntilPing;
  if (is_idle && options_.idle == Idle::Ping) ping();
}

bool Session::is_overdue() const {
  if (pending_.empty()) return false;
  const auto sent_at = pending_.front().sent_at;
  // Sent somewhere between two ticks: only the next one starts the count.
  if (options_.patience == Patience::Strict) return ticks_ - sent_at > kTicksPerDeadline;
  return ticks_ - std::max(sent_at, progress_at_) > kTicksPerDeadline ||
         ticks_ - sent_at > kPatience * kTicksPerDeadline;
}

void Session::ping() {
  command({"PING"}, [weak = weak_from_this()](const Result<Reply>& answer) {
    const auto self = weak.lock();
    // Refused: its master is gone, our user was deleted … it serves us no more.
    if (self && self->is_up() && !answer) self->down(answer.error().in("PING"));
  });
}

void Session::down(Error why) {
  const auto self = shared_from_this();
  if (state_ == State::Closed) return;
  const bool was_up = state_ == State::Up;
  drop_link();
  const auto left = std::exchange(pending_, {});
  state_ = State::Waiting;
  if (!was_up && next_address_ < addresses_.size()) {
    timer_->stop();
    state_ = State::Connecting;
    options_.loop.post(weakly(&Session::connect_next));
    return;
  }
  retry_later();
  for (const auto& pending : left) pending.callback(fail(unanswered(why)));
  tell_down(was_up, why);
}

void Session::retry_later() {
  next_address_ = 0;
  addresses_.clear();
  timer_->once(backoff_.next(random_u64()), weakly(&Session::begin_round));
}

void Session::tell_down(bool was_up, const Error& why) {
  const bool is_news = last_reason_ != why.text;
  last_reason_ = why.text;
  if (is_news) {
    log::debug("redis_connection_down", "connection={} at={:?} why={}: {}", options_.role,
               options_.endpoint.describe(), to_string(why.code), why.text);
  }
  if (owner_ == nullptr || (!was_up && is_told_down_)) return;
  is_told_down_ = true;
  owner_->on_session_down(why);
}

void Session::drop_link() {
  if (!link_) return;
  link_->close();
  link_.reset();
}

}  // namespace ace::redis
