#include "coordinator/ownership/lease_state.h"

#include <fmt/format.h>

#include <algorithm>

#include "coordinator/ownership/replies.h"
#include "proto/redis/redis_scripts.h"
#include "shared/base/check.h"
#include "shared/base/text.h"
#include "shared/log/log.h"

namespace ace::ownership {
namespace {

using std::chrono::milliseconds;

/// A renewal that failed at once (Redis is away) is tried again this often: the fence leaves room
/// for two renewals only, and Redis may be back any moment.
constexpr milliseconds kRetryRenewal{250};

const redis::Script& claim_script() {
  static const redis::Script script{proto::kClaimScript};
  return script;
}
const redis::Script& renew_script() {
  static const redis::Script script{proto::kRenewScript};
  return script;
}
const redis::Script& update_script() {
  static const redis::Script script{proto::kUpdateScript};
  return script;
}
const redis::Script& release_script() {
  static const redis::Script script{proto::kReleaseScript};
  return script;
}
const redis::Script& begin_teardown_script() {
  static const redis::Script script{proto::kBeginTeardownScript};
  return script;
}
const redis::Script& finish_teardown_script() {
  static const redis::Script script{proto::kFinishTeardownScript};
  return script;
}

std::string in_ms(milliseconds time) { return fmt::to_string(time.count()); }

/// Host names have at most 64 characters. What is longer in an owner key is junk, and whatever
/// reads, compares or logs it must not take a worker's time for it: 60 MB there stopped a loop for
/// 10 s.
constexpr std::size_t kMostOwner = 128;

Error not_mine() { return {Errc::Refused, "the stream has another owner"}; }

Result<ClaimResult> parse_claim(const Result<redis::Reply>& reply) {
  if (!reply) return fail(reply.error().in("claim"));
  const auto granted = count_at(*reply, 0);
  const auto epoch = count_at(*reply, 1);
  const auto index = count_at(*reply, 2);
  const auto stopping = count_at(*reply, 4);
  if (!granted || !epoch || !index || !stopping) {
    return fail(Errc::Protocol, "claim: the answer is malformed");
  }
  return ClaimResult{*granted == 1, proto::OwnerEpoch{*epoch}, proto::ChunkIndex{*index},
                     proto::WorkerId{outside_text(text_at(*reply, 3), kMostOwner)}, *stopping == 1};
}

}  // namespace

LeaseState::LeaseState(proto::StreamId id, proto::WorkerId self, redis::Commands& commands,
                       loop::TimerFactory& timers, const Clock& clock, LeaseTiming timing,
                       milliseconds record_ttl, StreamLease::Listener& listener)
    : id_{id},
      self_{std::move(self)},
      keys_{id},
      commands_{commands},
      clock_{clock},
      timing_{timing},
      record_ttl_{in_ms(record_ttl)},
      listener_{&listener},
      renew_timer_{timers.make()},
      fence_timer_{timers.make()} {
  ACE_CHECK(timing.renew_every < timing.fence_after && timing.fence_after < timing.lease,
            "an owner renews before its fence and is fenced before its lease ends");
}

void LeaseState::claim(proto::OwnerEpoch held, proto::ChunkIndex index,
                       const std::vector<proto::WorkerId>& known_dead, ClaimCallback callback) {
  if (phase_ != Phase::Idle) {
    return callback(fail(Errc::Busy, "claim: the lease is held, or an answer of Redis is due"));
  }
  phase_ = Phase::Claiming;
  known_index_ = index;
  std::vector<std::string> args{self_.value,
                                fmt::to_string(held.value),
                                fmt::to_string(index.value),
                                in_ms(timing_.lease),
                                record_ttl_,
                                keys_.events(),
                                std::string{id_.text()}};
  for (const auto& dead : known_dead) args.push_back(dead.value);
  const std::vector<std::string> owner_keys{keys_.owner(), keys_.metadata()};
  // What a claim wins for a lease that is gone by then must be given back, or the stream would
  // stand ownerless until the key expires.
  const auto give_back = [commands = &commands_, owner_keys, self = self_.value,
                          channel = keys_.events()](proto::OwnerEpoch epoch) {
    commands->eval(release_script(), owner_keys, {self, fmt::to_string(epoch.value), channel},
                   [](const Result<redis::Reply>&) {});
  };
  commands_.eval(claim_script(),
                 {keys_.owner(), keys_.metadata(), keys_.buffer_index(), keys_.clients(),
                  proto::active_streams_key()},
                 args,
                 [weak = weak_from_this(), sent = clock_.now(), callback = std::move(callback),
                  give_back](const Result<redis::Reply>& reply) {
                   auto result = parse_claim(reply);
                   const auto self = weak.lock();
                   if (self && self->listener_ != nullptr) {
                     self->on_claimed(sent, std::move(result), callback);
                     return;
                   }
                   if (result && result->is_mine) give_back(result->epoch);
                   callback(fail(Errc::Closed, "claim: the lease is gone"));
                 });
}

void LeaseState::on_claimed(SteadyTime sent, Result<ClaimResult> result,
                            const ClaimCallback& callback) {
  phase_ = Phase::Idle;
  if (!result) {
    // Whatever was sent may have run, a script that failed as far as it came.
    may_have_won_ = may_have_won_ || result.error().code != Errc::Unavailable;
    return callback(std::move(result));
  }
  if (!result->is_mine) {
    const bool is_from_us = result->owner == self_ && may_have_won_;
    may_have_won_ = false;
    if (is_from_us) return claim(result->epoch, known_index_, {}, callback);
    return callback(std::move(result));
  }
  may_have_won_ = false;
  epoch_ = result->epoch;
  fence_at_ = sent + timing_.fence_after;
  if (clock_.now() >= fence_at_) {
    may_have_won_ = true;
    return callback(fail(Errc::Timeout, "claim: granted too late to be used"));
  }
  phase_ = Phase::Held;
  ++grant_;
  newest_update_.clear();
  unsaved_.clear();
  watch_fence();
  renew_timer_->once(timing_.renew_every, [this] { renew(); });
  callback(std::move(result));
}

void LeaseState::renew() {
  if (clock_.now() >= fence_at_) return;  // too late: the fence's timer is due
  commands_.eval(
      renew_script(),
      {keys_.owner(), keys_.metadata(), keys_.buffer_index(), keys_.clients(),
       keys_.last_client_disconnect_time(), proto::active_streams_key(), keys_.aliases()},
      {self_.value, fmt::to_string(epoch_.value), in_ms(timing_.lease), record_ttl_,
       std::string{id_.text()}, keys_.events(), keys_.client_prefix(), proto::worker_prefix(),
       proto::engine_prefix(), proto::alias_prefix()},
      [weak = weak_from_this(), asked = grant_,
       sent = clock_.now()](const Result<redis::Reply>& reply) {
        const auto self = weak.lock();
        if (self && self->grant_ == asked) self->on_renewed(sent, reply);
      });
}

void LeaseState::renew_now() {
  if (is_held()) renew();
}

void LeaseState::on_renewed(SteadyTime sent, const Result<redis::Reply>& reply) {
  const auto renewed = reply ? count_at(*reply, 0) : Result<std::uint64_t>{fail(reply.error())};
  if (!renewed) {
    log::debug("lease_renewal_failed", "stream={} epoch={} why={:?}", id_.text(), epoch_.value,
               renewed.error().text);
    renew_timer_->once(kRetryRenewal, [this] { renew(); });
    return;
  }
  if (*renewed != 1) return lose(not_mine());
  fence_at_ = std::max(fence_at_, SteadyTime{sent + timing_.fence_after});
  const auto now = clock_.now();
  if (now >= fence_at_) return lose({Errc::Timeout, "the renewal's answer came too late"});
  watch_fence();
  const auto waited = std::chrono::duration_cast<milliseconds>(now - sent);
  renew_timer_->once(std::max(milliseconds{0}, timing_.renew_every - waited), [this] { renew(); });
  if (!unsaved_.empty()) {
    send_update({unsaved_.begin(), unsaved_.end()});
    unsaved_.clear();
  }
  listener_->on_viewers_counted(count_at(*reply, 1).value_or(0));
}

void LeaseState::watch_fence() {
  const auto left = std::chrono::ceil<milliseconds>(fence_at_ - clock_.now());
  fence_timer_->once(std::max(milliseconds{0}, left), [this] {
    if (clock_.now() < fence_at_) return watch_fence();
    const auto self = shared_from_this();  // the listener may destroy the lease
    self->lose({Errc::Timeout, "not renewed in time"});
  });
}

void LeaseState::update(proto::Fields fields) {
  if (!is_held() || fields.empty()) return;
  for (const auto& [name, value] : fields) unsaved_.erase(name);
  send_update(std::move(fields));
}

void LeaseState::send_update(proto::Fields fields) {
  const auto sequence = ++update_sequence_;
  for (const auto& [name, value] : fields) newest_update_[name] = sequence;
  std::vector<std::string> args{self_.value, fmt::to_string(epoch_.value), record_ttl_};
  append_fields(args, fields);
  commands_.eval(update_script(), {keys_.owner(), keys_.metadata()}, args,
                 [weak = weak_from_this(), asked = grant_, sequence,
                  fields = std::move(fields)](const Result<redis::Reply>& reply) {
                   const auto self = weak.lock();
                   if (self && self->grant_ == asked) self->on_updated(sequence, fields, reply);
                 });
}

void LeaseState::on_updated(std::uint64_t sequence, const proto::Fields& fields,
                            const Result<redis::Reply>& reply) {
  const auto taken = integer_of(reply);
  if (taken && *taken == 1) return;
  if (taken) return lose(not_mine());
  for (const auto& [name, value] : fields) {
    if (newest_update_[name] == sequence) unsaved_[name] = value;
  }
}

void LeaseState::begin_teardown(Teardown how, std::function<void(Result<std::size_t>)> callback) {
  commands_.eval(begin_teardown_script(), {keys_.owner(), keys_.metadata(), keys_.clients()},
                 {self_.value, fmt::to_string(epoch_.value), record_ttl_, keys_.events(),
                  how == Teardown::Forced ? "1" : "0"},
                 [weak = weak_from_this(), asked = grant_,
                  callback = std::move(callback)](const Result<redis::Reply>& reply) {
                   const auto clients = integer_of(reply);
                   if (!clients) return callback(fail(clients.error().in("begin teardown")));
                   if (*clients >= 0) return callback(static_cast<std::size_t>(*clients));
                   callback(fail(not_mine().in("begin teardown")));
                   const auto self = weak.lock();
                   if (self && self->grant_ == asked && self->is_held()) self->lose(not_mine());
                 });
}

void LeaseState::finish_teardown(proto::ChunkIndex first, proto::ChunkIndex last,
                                 std::function<void(Status)> callback) {
  end(finish_teardown_script(),
      {keys_.owner(), keys_.metadata(), keys_.buffer_index(), keys_.clients(),
       keys_.last_client_disconnect_time(), proto::active_streams_key(), keys_.aliases()},
      {self_.value, fmt::to_string(epoch_.value), std::string{id_.text()}, keys_.events(),
       fmt::to_string(first.value), fmt::to_string(last.value), keys_.chunk_prefix(),
       keys_.stage_prefix(epoch_), keys_.client_prefix(), proto::engine_prefix(),
       proto::alias_prefix()},
      std::move(callback));
}

void LeaseState::release(std::function<void(Status)> callback) {
  end(release_script(), {keys_.owner(), keys_.metadata()},
      {self_.value, fmt::to_string(epoch_.value), keys_.events()}, std::move(callback));
}

void LeaseState::end(const redis::Script& script, const std::vector<std::string>& keys,
                     const std::vector<std::string>& args, std::function<void(Status)> callback) {
  if (phase_ != Phase::Idle && phase_ != Phase::Held) {
    return callback(fail(Errc::Busy, "the lease is being claimed or ended"));
  }
  stop_keeping();
  phase_ = Phase::Ending;
  commands_.eval(
      script, keys, args,
      [weak = weak_from_this(), callback = std::move(callback)](const Result<redis::Reply>& reply) {
        if (const auto self = weak.lock()) self->phase_ = Phase::Idle;
        const auto done = integer_of(reply);
        if (!done) return callback(fail(done.error().in("end of lease")));
        if (*done != 1) return callback(fail(not_mine().in("end of lease")));
        callback({});
      });
}

void LeaseState::stop_keeping() {
  ++grant_;
  renew_timer_->stop();
  fence_timer_->stop();
}

void LeaseState::forget() {
  if (phase_ != Phase::Held) return;
  stop_keeping();
  phase_ = Phase::Idle;
}

void LeaseState::close() {
  listener_ = nullptr;
  phase_ = Phase::Idle;
  stop_keeping();
}

void LeaseState::lose(const Error& why) {
  stop_keeping();
  phase_ = Phase::Idle;
  log::warn("lease_lost", "stream={} epoch={} why={:?}", id_.text(), epoch_.value, why.text);
  listener_->on_lease_lost(why);
}

}  // namespace ace::ownership
