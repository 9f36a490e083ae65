#include "workers/engines/health_watch.h"

#include <algorithm>
#include <utility>

#include "shared/base/random_id.h"
#include "shared/log/log.h"
#include "workers/engines/engine_failure.h"

namespace ace::engines {
namespace {

using std::chrono::milliseconds;

/// How often it is looked whether a question is due.
constexpr milliseconds kLookEvery{250};

/// A tenth more or less: hosts that were started together do not ask together for ever.
milliseconds jittered(milliseconds period) {
  const auto spread = static_cast<std::uint64_t>(std::max<std::int64_t>(period.count() / 5, 1));
  return period - period / 10 + milliseconds{random_u64() % spread};
}

}  // namespace

HealthWatch::HealthWatch(Parts parts, HealthTiming timing)
    : parts_{parts}, timing_{timing}, timer_{parts.timers.make()} {
  timer_->every(std::min(kLookEvery, timing_.every), [this] { look(); });
}

void HealthWatch::stop() {
  timer_->stop();
  questions_.clear();
}

void HealthWatch::look() {
  if (!parts_.host.scoreboard().is_caretaker(parts_.self)) {
    questions_.clear();
    return;
  }
  std::erase_if(questions_,
                [this](const auto& entry) { return !parts_.directory.find(entry.first); });
  const auto now = parts_.clock.now();
  for (const auto& known : parts_.directory.known()) {
    if (!known.is_listed && known.same_as.empty()) continue;
    auto& question = questions_[known.address.id()];
    if (!question.fetch && now >= question.next) ask(known.address, question);
  }
}

void HealthWatch::ask(const EngineAddress& engine, Question& question) {
  question.next = parts_.clock.now() + jittered(timing_.every);
  SessionTimeouts limits;
  limits.connect = timing_.answer;
  limits.command = timing_.answer;
  // Safe with this: the questions are destroyed with it.
  question.fetch = ask_version(
      parts_.curl, parts_.timers, engine, limits,
      [this, id = engine.id()](const Result<EngineSelf>& answer) { on_answer(id, answer); });
}

void HealthWatch::on_answer(const std::string& id, const Result<EngineSelf>& answer) {
  questions_[id].fetch.reset();
  auto& table = parts_.host.engines();
  const auto now = parts_.clock.now();
  if (answer) {
    const auto before = table.state_of(id, now).health;
    const bool is_news = table.note_answer(id,
                                           {.version = answer->version,
                                            .endpoint = answer->identity.endpoint,
                                            .device = answer->identity.device},
                                           now);
    if (is_news && before == host::EngineHealth::Unhealthy) {
      log::info("engine_healthy", "engine={} version={:?}", id, answer->version);
    }
    return;
  }
  const auto failed = failed_phase(id, answer.error());
  const auto at =
      std::chrono::duration_cast<milliseconds>(parts_.clock.wall_now().time_since_epoch());
  const host::EngineTrouble trouble{
      .phase = failed.phase, .text = failed.text, .at_ms = at.count()};
  if (table.note_miss(id, trouble, now)) {
    log::warn("engine_unhealthy", "engine={} why={:?}", id, answer.error().text);
  }
}

}  // namespace ace::engines
