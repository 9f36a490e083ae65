#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "coordinator/supervisor/fleet.h"
#include "coordinator/supervisor/ground.h"
#include "coordinator/supervisor/port_file.h"
#include "coordinator/supervisor/service.h"
#include "coordinator/supervisor/signal_fd.h"
#include "coordinator/supervisor/upgrade.h"
#include "shared/os/systemd.h"

namespace ace::supervisor {

/// One line each.
void tell_warnings(const config::Config& config);
[[nodiscard]] log::Options log_options(const config::Config& config, std::string process);

/// The process that must never die: it waits for signals, children and time, and leaves every
/// decision about workers to the Fleet.
class Supervisor {
 public:
  Supervisor(Service service, std::string program, SignalFd signals, Ground ground);
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Goes on with workers that are there already.
  void take_over(const Inheritance& inheritance);
  int run();

 private:
  int be_worker(host::WorkerRef self, UniqueFd control);
  void tell_limit() const;
  void wait();
  [[nodiscard]] milliseconds time_to_wait() const;
  void on_signals();
  void on_signal(int signal);
  void on_stop_signal(int signal);
  void begin_stop();
  void change_workers(unsigned wanted);
  void reload_config();
  void begin_round();
  void begin_upgrade();
  void refuse_upgrade(std::string_view why);
  void mind_upgrade();
  [[nodiscard]] Inheritance inheritance() const;
  void reopen_logs();
  void announce();
  [[nodiscard]] bool has_written_port_file();
  void say_serving();
  void mind_start();
  void mind_watchdog();
  void mind_deadline();

  SystemClock clock_;
  std::unique_ptr<config::Config> config_;
  std::function<Result<config::Config>()> reload_;
  WorkerMain worker_main_;
  Image image_;
  SignalFd signals_;
  Ground ground_;
  PortFile port_file_;
  PosixProcessApi processes_;
  Fleet fleet_;
  UpgradeTrial trial_{processes_, clock_};
  std::optional<milliseconds> watchdog_period_{os::watchdog_period()};
  SteadyTime watchdog_due_{};
  bool is_ready_{};      ///< has told so
  bool is_reloading_{};  ///< owes systemd a READY=1
  bool is_stuck_{};      ///< the same, and has said that new workers do not start
  bool is_stopping_{};
  bool is_killed_{};  ///< the end is not a clean one
  std::optional<SteadyTime> kill_at_;
};

}  // namespace ace::supervisor
