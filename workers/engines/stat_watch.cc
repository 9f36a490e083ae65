#include "workers/engines/stat_watch.h"

#include <utility>

#include "shared/log/log.h"

namespace ace::engines {

StatWatch::StatWatch(curl::Multi& multi, loop::TimerFactory& timers,
                     std::chrono::milliseconds every, Callback callback)
    : multi_{multi},
      timers_{timers},
      every_{every},
      callback_{std::move(callback)},
      timer_{timers.make()} {}

void StatWatch::watch(const SessionInfo& info) {
  stop();
  info_ = info;
  if (info_.stat_url.empty()) return;
  ask();
  timer_->every(every_, [this] { ask(); });
}

void StatWatch::stop() {
  timer_->stop();
  fetch_.reset();
}

void StatWatch::ask() {
  if (fetch_) return;
  SessionTimeouts limits;
  limits.connect = kAnswer;
  limits.command = kAnswer;
  // Safe with this: the question goes with it.
  auto asked = ask_stat(multi_, timers_, info_, limits,
                        [this](const Result<proto::engine::StatAnswer>& answer) {
                          fetch_.reset();
                          if (answer) return callback_(*answer);
                          log::debug("engine_stat_failed", "why={:?}", answer.error().text);
                        });
  if (asked) fetch_ = std::move(*asked);
}

}  // namespace ace::engines
