#include "coordinator/ownership/incarnation.h"

#include <fmt/format.h>

#include <utility>

#include "proto/redis/redis_keys.h"
#include "proto/redis/redis_scripts.h"
#include "shared/base/random_id.h"
#include "shared/base/text.h"
#include "shared/log/log.h"

namespace ace::ownership {
namespace {

constexpr std::size_t kTextBytes = 8;

const redis::Script& incarnation_script() {
  static const redis::Script script{proto::kIncarnationScript};
  return script;
}

}  // namespace

Incarnation::Incarnation(redis::Commands& commands, loop::TimerFactory& timers, const Clock& clock,
                         Timing timing)
    : commands_{commands},
      clock_{clock},
      timing_{timing},
      timer_{timers.make()},
      alive_{std::make_shared<Incarnation*>(this)} {
  timer_->every(timing_.renew_every, [this] { ask([](bool) {}); });
}

Incarnation::~Incarnation() = default;

void Incarnation::ask(std::function<void(bool)> callback) {
  commands_.eval(incarnation_script(), {proto::incarnation_key()},
                 {random_hex(kTextBytes), fmt::to_string(timing_.ttl.count())},
                 [weak = std::weak_ptr{alive_}, callback = std::move(callback)](const auto& reply) {
                   const auto self = weak.lock();
                   if (!self) return;
                   (*self)->on_answer(reply);
                   callback((*self)->may_claim());
                 });
}

void Incarnation::on_answer(const Result<redis::Reply>& reply) {
  // Ours has 32 characters. Junk of any length stands for a memory of its own, by its beginning.
  constexpr std::size_t kMost = 64;
  const auto text = outside_text(
      reply ? reply->as_text().value_or(std::string_view{}) : std::string_view{}, kMost);
  if (text.empty() || text == known_) return;
  const bool is_first = known_.empty();
  known_ = text;
  if (is_first) return;
  log::warn("redis_forgot", "incarnation={:?}: owners claim first for {} ms", known_,
            timing_.owners_first.count());
  owners_first_until_ = clock_.now() + timing_.owners_first;
}

}  // namespace ace::ownership
