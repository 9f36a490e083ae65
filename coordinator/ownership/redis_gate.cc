#include "coordinator/ownership/redis_gate.h"

#include <fmt/format.h>

#include <utility>

#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"

namespace ace::ownership {
namespace {

using Args = std::vector<std::string>;

/// Life of what a trial leaves behind when it breaks off.
constexpr std::chrono::milliseconds kTrialTtl{10'000};
/// Trials in a row with nothing heard, before that counts while Redis is up: a subscription that
/// was cut is made again meanwhile.
constexpr int kDeafTrials = 5;
/// Before Redis is up something must be heard, within so many looks.
constexpr std::chrono::milliseconds kLookEvery{50};
constexpr int kLooks = 40;

const redis::Script& trial_script() {
  static const redis::Script script{proto::kTrialScript};
  return script;
}

Args trial_keys(const std::string& prefix) {
  Args keys;
  for (const auto* name : {"string", "hash", "set", "zset", "renamed"}) {
    keys.push_back(prefix + name);
  }
  return keys;
}

}  // namespace

struct RedisGate::Impl final : redis::Client::Listener, std::enable_shared_from_this<Impl> {
  /// Commands while Redis is up.
  struct Commands final : redis::Commands {
    explicit Commands(Impl& owner) : gate{owner} {}
    void command(Args args, redis::ReplyCallback callback) override {
      if (!gate.is_up) return gate.refuse(std::move(callback));
      gate.connection.command(std::move(args), std::move(callback));
    }
    void eval(const redis::Script& script, const Args& keys, const Args& args,
              redis::ReplyCallback callback) override {
      if (!gate.is_up) return gate.refuse(std::move(callback));
      gate.connection.eval(script, keys, args, std::move(callback));
    }
    [[nodiscard]] bool is_up() const override { return gate.is_up; }
    Impl& gate;
  };
  /// Chunks while Redis is up.
  struct Chunks final : redis::ChunkPipe {
    explicit Chunks(Impl& owner) : gate{owner} {}
    void command(Args args, redis::ReplyCallback callback) override {
      if (!gate.is_up) return gate.refuse(std::move(callback));
      gate.pipe.command(std::move(args), std::move(callback));
    }
    void eval(const redis::Script& script, const Args& keys, const Args& args,
              redis::ReplyCallback callback) override {
      if (!gate.is_up) return gate.refuse(std::move(callback));
      gate.pipe.eval(script, keys, args, std::move(callback));
    }
    void set(std::string key, std::chrono::milliseconds ttl, std::shared_ptr<const void> owner,
             ByteSpan payload, redis::ReplyCallback callback) override {
      if (!gate.is_up) return gate.refuse(std::move(callback));
      gate.pipe.set(std::move(key), ttl, std::move(owner), payload, std::move(callback));
    }
    void get(std::string key, Allocator allocate, GetCallback callback) override {
      if (gate.is_up)
        return gate.pipe.get(std::move(key), std::move(allocate), std::move(callback));
      gate.refuse([told = std::move(callback)](const Result<redis::Reply>& reply) {
        told(fail(reply.error()));
      });
    }
    [[nodiscard]] bool is_up() const override { return gate.is_up; }
    [[nodiscard]] std::size_t bytes_in_flight() const override {
      return gate.pipe.bytes_in_flight();
    }
    Impl& gate;
  };

  Impl(loop::Loop& loop_in, loop::TimerFactory& timers, const redis::Endpoint& endpoint,
       redis::Deadlines deadlines, const proto::WorkerId& worker, RedisGate::Listener& told,
       Timing times)
      : loop{loop_in},
        listener{&told},
        timing{times},
        user{endpoint.username.empty() ? "default" : endpoint.username},
        prefix{proto::trial_prefix(worker)},
        connection{loop_in, timers, endpoint, deadlines, *this},
        pipe{loop_in, timers, endpoint, deadlines, *this},
        timer{timers.make()} {}

  void on_redis_up() override;
  void on_redis_down(const Error& why) override;
  void begin_trial();
  /// Counts an answer that the trial waits for; the worst finding stays.
  template <class F>
  [[nodiscard]] auto judged(F judge);
  void settle(std::optional<RedisUnfitness> found);
  void on_all_answered();
  [[nodiscard]] bool has_heard();
  void fail_trial(RedisUnfitness why);
  void pass();
  void close_gate(RedisUnfitness why);
  void try_after(std::chrono::milliseconds delay);
  void refuse(redis::ReplyCallback callback);

  loop::Loop& loop;
  RedisGate::Listener* listener;  ///< null once the gate is gone
  const Timing timing;
  const std::string user;
  const std::string prefix;
  redis::Client connection;
  redis::ChunkConnection pipe;
  Commands gated_commands{*this};
  Chunks gated_chunks{*this};
  redis::Hearing* hearing{};
  std::unique_ptr<loop::Timer> timer;

  bool is_up{};
  bool is_giving_up{};
  std::optional<RedisUnfitness> unfitness;
  std::uint64_t trial{};  ///< answers of earlier ones are stale
  int unanswered{};
  std::optional<RedisUnfitness> finding;
  std::uint64_t beats_known{};
  int unheard{};  ///< times in a row that nothing new was heard
};

void RedisGate::Impl::on_redis_up() {
  if (connection.is_up() && pipe.is_up()) begin_trial();
}

void RedisGate::Impl::on_redis_down(const Error& why) {
  ++trial;
  timer->stop();
  // What was found out before stays the reason: whoever gives up connections has told it.
  if (!is_giving_up) close_gate({host::RedisTrouble::Away, why.text, why.code == Errc::Timeout});
}

template <class F>
auto RedisGate::Impl::judged(F judge) {
  ++unanswered;
  return [weak = weak_from_this(), asked = trial, judge](const auto& answer) {
    const auto self = weak.lock();
    if (self && self->listener != nullptr && self->trial == asked) self->settle(judge(answer));
  };
}

void RedisGate::Impl::begin_trial() {
  ++trial;
  unanswered = 0;
  finding.reset();
  if (hearing != nullptr) {
    if (!is_up) beats_known = hearing->beats_heard();
    hearing->speak();
  }
  const auto ttl = fmt::to_string(kTrialTtl.count());
  const auto channel = proto::trial_channel();
  const auto text = trial_script().text();
  const auto keys = trial_keys(prefix + "commands:");
  Args words{"EVAL", text, fmt::to_string(keys.size())};
  words.insert(words.end(), keys.begin(), keys.end());
  words.insert(words.end(), {ttl, channel});
  // The first finding counts: from what the server is to what it refuses.
  connection.command({"HELLO", "2"}, judged([](const auto& hello) { return judge_server(hello); }));
  connection.command(std::move(words), judged([name = user](const auto& reply) {
                       return judge_script(name, "EVAL", reply);
                     }));
  pipe.eval(
      trial_script(), trial_keys(prefix + "chunks:"), {ttl, channel},
      judged([name = user](const auto& reply) { return judge_script(name, "EVALSHA", reply); }));
  const auto value = std::make_shared<const std::string>("trial");
  pipe.set(prefix + "value", kTrialTtl, value, as_bytes(*value),
           judged([name = user](const auto& reply) { return judge_command(name, "SET", reply); }));
  pipe.command({"GET", prefix + "value"}, judged([name = user](const auto& reply) {
                 return judge_command(name, "GET", reply);
               }));
  pipe.command({"UNLINK", prefix + "value"}, judged([name = user](const auto& reply) {
                 return judge_command(name, "UNLINK", reply);
               }));
}

void RedisGate::Impl::settle(std::optional<RedisUnfitness> found) {
  if (found) {
    const bool is_server = found->trouble == host::RedisTrouble::TooOld ||
                           found->trouble == host::RedisTrouble::Cluster ||
                           found->trouble == host::RedisTrouble::Replica;
    if (!finding || is_server) finding = std::move(found);
  }
  if (--unanswered == 0) on_all_answered();
}

void RedisGate::Impl::on_all_answered() {
  if (!connection.is_up() || !pipe.is_up()) return;  // it will be told
  if (finding) return fail_trial(std::move(*finding));
  if (has_heard()) {
    unheard = 0;
    pass();
    return try_after(timing.try_every);
  }
  ++unheard;
  if (unheard > (is_up ? kDeafTrials : kLooks)) {
    return fail_trial(deafness(user, hearing->why_deaf()));
  }
  if (is_up) return try_after(timing.try_every);
  timer->once(kLookEvery, [this] { on_all_answered(); });
}

bool RedisGate::Impl::has_heard() {
  if (hearing == nullptr) return true;
  const auto beats = hearing->beats_heard();
  return std::exchange(beats_known, beats) != beats;
}

void RedisGate::Impl::fail_trial(RedisUnfitness why) {
  const bool is_replica = why.trouble == host::RedisTrouble::Replica;
  const Error error{Errc::Refused, why.message};
  close_gate(std::move(why));
  if (listener == nullptr) return;
  if (!is_replica) return try_after(timing.try_again);
  // The address may lead to the new master by now.
  is_giving_up = true;
  connection.give_up(error);
  pipe.give_up(error);
  is_giving_up = false;
}

void RedisGate::Impl::pass() {
  if (std::exchange(is_up, true)) return;
  unfitness.reset();
  listener->on_redis_up();
}

void RedisGate::Impl::close_gate(RedisUnfitness why) {
  const bool was_up = std::exchange(is_up, false);
  unheard = 0;
  const bool is_news = !unfitness || *unfitness != why;
  // One connection after the other fails, and each has words of its own for it.
  const bool is_told = unfitness && why.trouble == host::RedisTrouble::Away &&
                       unfitness->trouble == host::RedisTrouble::Away;
  unfitness = std::move(why);
  if (listener != nullptr && (was_up || (is_news && !is_told))) {
    listener->on_redis_down(*unfitness);
  }
}

void RedisGate::Impl::try_after(std::chrono::milliseconds delay) {
  timer->once(delay, [this] { begin_trial(); });
}

void RedisGate::Impl::refuse(redis::ReplyCallback callback) {
  loop.post([told = std::move(callback),
             why = unfitness ? "redis is down: " + unfitness->message : "redis is not tried yet"] {
    told(fail(Errc::Unavailable, why));
  });
}

RedisGate::RedisGate(loop::Loop& loop, loop::TimerFactory& timers, const redis::Endpoint& endpoint,
                     redis::Deadlines deadlines, const proto::WorkerId& worker, Listener& listener)
    : RedisGate{loop, timers, endpoint, deadlines, worker, listener, Timing{}} {}

RedisGate::RedisGate(loop::Loop& loop, loop::TimerFactory& timers, const redis::Endpoint& endpoint,
                     redis::Deadlines deadlines, const proto::WorkerId& worker, Listener& listener,
                     Timing timing)
    : impl_{std::make_shared<Impl>(loop, timers, endpoint, deadlines, worker, listener, timing)} {}

RedisGate::~RedisGate() {
  impl_->listener = nullptr;
  impl_->timer.reset();
}

void RedisGate::listen_by(redis::Hearing* hearing) { impl_->hearing = hearing; }

redis::Commands& RedisGate::commands() { return impl_->gated_commands; }

redis::ChunkPipe& RedisGate::chunks() { return impl_->gated_chunks; }

redis::Commands& RedisGate::ungated() { return impl_->connection; }

bool RedisGate::is_up() const { return impl_->is_up; }

const std::optional<RedisUnfitness>& RedisGate::unfitness() const { return impl_->unfitness; }

}  // namespace ace::ownership
