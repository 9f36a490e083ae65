#pragma once

#include <array>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "coordinator/supervisor/control_channel.h"
#include "coordinator/supervisor/process_api.h"
#include "coordinator/supervisor/worker_slot.h"

namespace ace::supervisor {

/// All workers of this host: forks as many as are wanted, replaces those that die or hang,
/// exchanges them one by one after a reload, and ends them. Never waits: it acts on events, and
/// step() does what has become due by time or by number.
class Fleet {
 public:
  /// Runs in the child; its result is the process's exit code.
  using ChildMain = std::function<int(host::WorkerRef self, UniqueFd control)>;

  static constexpr std::chrono::seconds kLongestSilence{10};
  /// From fork to ready; workers wait for Redis, but not for long.
  static constexpr std::chrono::seconds kLongestStart{60};
  static constexpr unsigned kStartAttempts = 3;

  Fleet(ProcessApi& processes, const Clock& clock, host::Scoreboard& board, ChildMain child_main);

  /// A living worker that was forked before an upgrade; it belongs to an older round.
  void adopt(WorkerSlot slot);

  [[nodiscard]] unsigned wanted() const { return wanted_; }
  void want(unsigned workers);
  /// Begins a round that replaces every worker: a new one starts, and when it is ready an old one
  /// is told to drain and to hand over everything to the new one.
  void begin_round() { ++round_; }
  /// Forks missing workers that are due, drains surplus ones, kills those that stand still.
  void step();
  /// The next time at which step() has something to do without an event.
  [[nodiscard]] std::optional<SteadyTime> next_due() const;

  void on_exit(const ChildExit& ended);
  /// The slot's control channel is readable.
  void on_control(std::uint32_t slot);
  void tell_all(ControlMessage message);

  /// No worker is forked any more; every worker gets SIGTERM.
  void stop();
  /// Kills the workers that are left.
  void kill_all();

  /// All wanted workers serve, and workers of older rounds are draining.
  [[nodiscard]] bool is_settled() const;
  /// New workers die before they are ready, and the old ones serve on.
  [[nodiscard]] bool is_round_stuck() const;
  [[nodiscard]] bool is_empty() const;
  /// Workers died before they were ready, so often that there is no point in going on.
  [[nodiscard]] bool has_failed_to_start() const { return failed_starts_ >= kStartAttempts; }
  /// Since stop(): every worker has ended by itself, with exit code 0.
  [[nodiscard]] bool has_left_cleanly() const { return has_left_cleanly_; }

  struct Count {
    std::size_t ready{};
    std::size_t draining{};
    std::size_t others{};
  };
  [[nodiscard]] Count count() const;
  [[nodiscard]] const std::array<WorkerSlot, host::kMaxSlots>& slots() const { return slots_; }
  /// In a child: our ends of all control channels, which are not its own.
  void close_in_child();

 private:
  void balance_rounds();
  void fill_up();
  void restart_due();
  void watch_beats();
  void kill_hung(WorkerSlot& slot, std::string_view event, SteadyTime since);
  [[nodiscard]] std::size_t active_of_round(bool is_current) const;
  [[nodiscard]] WorkerSlot* newest_ready();
  [[nodiscard]] bool is_ready(host::WorkerRef worker) const;
  /// A ready worker of this round; generation 0 if there is none.
  [[nodiscard]] host::WorkerRef newest_heir() const;
  [[nodiscard]] WorkerSlot* oldest_round();
  [[nodiscard]] WorkerSlot* find(pid_t pid);
  bool start_another();
  bool start_in(std::uint32_t index);
  void fail_start(WorkerSlot& slot);
  void drain(WorkerSlot& slot, host::WorkerRef heir);
  /// Gives another heir to each draining worker whose heir has died or drains, too.
  void replace_heirs();
  void back_off(WorkerSlot& slot, SteadyTime now);
  void note_end(const WorkerSlot& slot, const ChildExit& ended);

  ProcessApi& processes_;
  const Clock& clock_;
  host::Scoreboard& board_;
  ChildMain child_main_;
  std::array<WorkerSlot, host::kMaxSlots> slots_;
  StartBudget budget_{4};
  unsigned wanted_{};
  unsigned round_{};
  unsigned failed_starts_{};
  bool was_settled_{};
  bool is_stopping_{};
  bool has_left_cleanly_{true};
  SteadyTime last_watch_{};
  SteadyTime watched_since_{};
};

}  // namespace ace::supervisor
