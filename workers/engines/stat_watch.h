#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include "workers/engines/engine_query.h"

namespace ace::engines {

/// Asks an engine again and again how one session does. A question that fails is no news: the next
/// one may not.
class StatWatch {
 public:
  static constexpr std::chrono::milliseconds kAnswer{2'000};
  using Callback = std::function<void(const proto::engine::StatAnswer&)>;

  /// References must outlive it. `callback` never comes from inside watch().
  StatWatch(curl::Multi& multi, loop::TimerFactory& timers, std::chrono::milliseconds every,
            Callback callback);
  StatWatch(const StatWatch&) = delete;
  StatWatch& operator=(const StatWatch&) = delete;

  /// This session from now on, instead of any other. One without a url is not asked about.
  void watch(const SessionInfo& info);
  void stop();

 private:
  void ask();

  curl::Multi& multi_;
  loop::TimerFactory& timers_;
  std::chrono::milliseconds every_;
  Callback callback_;
  SessionInfo info_;
  std::unique_ptr<loop::Timer> timer_;
  std::unique_ptr<curl::Fetch> fetch_;
};

}  // namespace ace::engines
