#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "shared/loop/loop.h"
#include "shared/loop/timer.h"
#include "shared/redis/client.h"

namespace ace::test {

using namespace std::chrono_literals;

/// Short, so that what dies is found dead while somebody watches. A pause of this process or of the
/// server runs them out as well: only for tests in which that changes nothing.
inline constexpr redis::Deadlines kShort{.connect = 300ms, .command = 200ms};
/// Longer than any pause: what is down then is so for another reason.
inline constexpr redis::Deadlines kPatient{.connect = 20s, .command = 20s};

/// A loop with real timers, run until something has come true.
struct LoopBench {
  loop::Loop loop;
  loop::UvTimerFactory timers{loop};

  bool until(const std::function<bool()>& is_true, std::chrono::milliseconds limit = 15s) {
    bool is_late = false;
    const auto guard = timers.make();
    guard->once(limit, [&is_late] { is_late = true; });
    // A turn whose timers made it true still waits for one more event; and what another process
    // knows is none here.
    const auto tick = timers.make();
    tick->every(10ms, [] {});
    while (!is_true() && !is_late) loop.run_once(true);
    return is_true();
  }
  /// Lets everything happen that happens in this time.
  void run_for(std::chrono::milliseconds time) {
    static_cast<void>(until([] { return false; }, time));
  }
};

/// Writes down what a connection tells.
struct Heard final : redis::Client::Listener {
  int ups{};
  std::vector<Error> downs;
  std::function<void()> on_up{[] {}};
  std::function<void()> on_down{[] {}};

  void on_redis_up() override {
    ++ups;
    on_up();
  }
  void on_redis_down(const Error& why) override {
    downs.push_back(why);
    on_down();
  }
};

using Answer = std::optional<Result<redis::Reply>>;

/// A callback that keeps its answer and counts how often it came.
struct Kept {
  struct State {
    Answer answer;
    int times{};
  };
  std::shared_ptr<State> state{std::make_shared<State>()};

  [[nodiscard]] redis::ReplyCallback callback() const {
    return [kept = state](Result<redis::Reply> reply) {
      kept->answer = std::move(reply);
      ++kept->times;
    };
  }
  [[nodiscard]] bool is_there() const { return state->answer.has_value(); }
  [[nodiscard]] const Result<redis::Reply>& get() const { return *state->answer; }
};

/// Asks and runs the loop until the answer is there.
template <class C>
Result<redis::Reply> ask(LoopBench& bench, C& connection, std::vector<std::string> args) {
  Kept kept;
  connection.command(std::move(args), kept.callback());
  if (!bench.until([&] { return kept.is_there(); })) return fail(Errc::Timeout, "the test waits");
  return kept.get();
}

}  // namespace ace::test
