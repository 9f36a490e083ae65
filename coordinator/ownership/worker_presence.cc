#include "coordinator/ownership/worker_presence.h"

#include <fmt/format.h>

#include <utility>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "shared/base/check.h"
#include "shared/base/random_id.h"
#include "shared/log/log.h"

namespace ace::ownership {
namespace {

constexpr std::size_t kTokenBytes = 8;

const redis::Script& presence_script() {
  static const redis::Script script{proto::kPresenceScript};
  return script;
}
const redis::Script& absence_script() {
  static const redis::Script script{proto::kAbsenceScript};
  return script;
}

}  // namespace

WorkerPresence::WorkerPresence(proto::WorkerId self, redis::Commands& commands,
                               loop::TimerFactory& timers, const Clock& clock,
                               PresenceTiming timing, Listener& listener)
    : self_{std::move(self)},
      commands_{commands},
      clock_{clock},
      timing_{timing},
      listener_{listener},
      token_{random_hex(kTokenBytes)},
      timer_{timers.make()},
      alive_{std::make_shared<WorkerPresence*>(this)} {
  ACE_CHECK(timing.renew_every < timing.judge_after && timing.judge_after < timing.ttl,
            "a live process renews its key before it is judged dead");
  timer_->every(timing_.renew_every, [this] { tell({}); });
}

WorkerPresence::~WorkerPresence() = default;

void WorkerPresence::on_redis_up() {
  is_there_ = false;  // who comes back tells everything anew by itself
  tell({});
}

void WorkerPresence::leave(std::function<void()> done) {
  is_over_ = true;
  timer_->stop();
  commands_.eval(
      absence_script(), {proto::worker_key(self_), proto::workers_key(), proto::incarnation_key()},
      {token_, self_.value}, [done = std::move(done)](const Result<redis::Reply>&) { done(); });
}

void WorkerPresence::bury(const proto::WorkerId& dead) {
  if (dead == self_) return;
  commands_.command({"UNLINK", proto::worker_key(dead)}, [](const Result<redis::Reply>&) {});
  commands_.command({"ZREM", proto::workers_key(), dead.value}, [](const Result<redis::Reply>&) {});
}

void WorkerPresence::tell(const std::string& replacing) {
  if (is_over_ || !commands_.is_up()) return;
  std::vector<std::string> args{token_, fmt::to_string(timing_.ttl.count()), replacing,
                                self_.value};
  append_fields(args, listener_.presence_figures());
  commands_.eval(presence_script(), {proto::worker_key(self_), proto::workers_key()}, args,
                 [weak = std::weak_ptr{alive_}](const Result<redis::Reply>& reply) {
                   const auto self = weak.lock();
                   if (self && !(*self)->is_over_) (*self)->on_answer(reply);
                 });
}

void WorkerPresence::on_answer(const Result<redis::Reply>& reply) {
  const auto is_mine = reply ? count_at(*reply, 0) : Result<std::uint64_t>{fail(reply.error())};
  if (!is_mine) {
    settle();
    return;
  }
  if (*is_mine == 0) {
    on_rival(std::string{text_at(*reply, 1)});
    return;
  }
  if (!rival_.empty()) {
    rival_.clear();
    timer_->every(timing_.renew_every, [this] { tell({}); });
  }
  const bool is_lost = std::exchange(is_there_, true) && count_at(*reply, 1).value_or(1) == 0;
  settle();
  if (is_lost) listener_.on_presence_lost();
}

void WorkerPresence::on_rival(std::string rival) {
  if (rival_.empty()) {
    log::warn("worker_id_in_use", "worker={}: waiting whether its process lives", self_.value);
    rival_ = std::move(rival);
    rival_since_ = clock_.now();
    timer_->every(timing_.look_every, [this] {
      const bool is_dead = clock_.now() - rival_since_ >= timing_.judge_after;
      tell(is_dead ? rival_ : std::string{});
    });
    return;
  }
  if (rival == rival_) return;
  is_over_ = true;
  timer_->stop();
  listener_.on_id_taken();
}

void WorkerPresence::settle() {
  // A Redis that fails now and then does not decide what an earlier answer left open.
  if (is_in_doubt() || std::exchange(is_settled_, true)) return;
  listener_.on_presence_settled();
}

}  // namespace ace::ownership
