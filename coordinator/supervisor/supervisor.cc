#include "coordinator/supervisor/supervisor.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <memory>
#include <optional>
#include <utility>

#include "coordinator/supervisor/fleet.h"
#include "coordinator/supervisor/listen_socket.h"
#include "coordinator/supervisor/port_file.h"
#include "coordinator/supervisor/signal_fd.h"
#include "shared/log/log.h"
#include "shared/os/process_tuning.h"
#include "shared/os/systemd.h"

namespace ace::supervisor {
namespace {

using namespace std::chrono_literals;

/// How often hung workers are looked for, whatever else happens.
constexpr milliseconds kLookAround{1000};
/// Workers count the shutdown time themselves; we let them finish counting.
constexpr milliseconds kKillMargin{500};
constexpr unsigned kMostWorkers = 32;

log::Options log_of(const config::Config& config, std::string process) {
  log::Options options = config.log;
  options.process = std::move(process);
  return options;
}

int refuse_to_start(const Error& why) {
  std::fprintf(stderr, "ace-proxy: %s\n", why.text.c_str());
  return 1;
}

std::vector<int> descriptors(const std::vector<ListenSocket>& sockets) {
  std::vector<int> fds;
  for (const auto& socket : sockets) fds.push_back(socket.fd());
  return fds;
}

/// The process that must never die: it waits for signals, children and time, and leaves every
/// decision about workers to the Fleet.
class Supervisor {
 public:
  Supervisor(Service service, SignalFd signals, std::vector<ListenSocket> sockets,
             std::unique_ptr<host::HostMemory> memory)
      : config_{std::make_unique<config::Config>(std::move(service.config))},
        reload_{std::move(service.reload)},
        worker_main_{std::move(service.worker_main)},
        signals_{std::move(signals)},
        sockets_{std::move(sockets)},
        memory_{std::move(memory)},
        port_file_{config_->port_file},
        processes_{signals_.mask_before()},
        fleet_{processes_, clock_, memory_->scoreboard(),
               [this](host::WorkerRef self, UniqueFd control) {
                 return be_worker(self, std::move(control));
               }} {}
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  int run();

 private:
  int be_worker(host::WorkerRef self, UniqueFd control);
  void wait();
  [[nodiscard]] milliseconds time_to_wait() const;
  void on_signals();
  void on_signal(int signal);
  void on_stop_signal(int signal);
  void begin_stop();
  void change_workers(unsigned wanted);
  void reload_config();
  void reopen_logs();
  void announce();
  void mind_start();
  void mind_watchdog();
  void mind_deadline();

  SystemClock clock_;
  std::unique_ptr<config::Config> config_;
  std::function<Result<config::Config>()> reload_;
  WorkerMain worker_main_;
  SignalFd signals_;
  std::vector<ListenSocket> sockets_;
  std::unique_ptr<host::HostMemory> memory_;
  PortFile port_file_;
  PosixProcessApi processes_;
  Fleet fleet_;
  std::optional<milliseconds> watchdog_period_{os::watchdog_period()};
  SteadyTime watchdog_due_{};
  bool is_ready_{};      ///< has told so
  bool is_reloading_{};  ///< owes systemd a READY=1
  bool is_stopping_{};
  bool is_killed_{};  ///< the end is not a clean one
  std::optional<SteadyTime> kill_at_;
};

int Supervisor::run() {
  log::info("starting", "workers={} pid={}", config_->workers, getpid());
  fleet_.want(config_->workers);
  fleet_.step();
  while (!is_stopping_ || !fleet_.is_empty()) {
    wait();
    while (const auto ended = processes_.reap()) fleet_.on_exit(*ended);
    fleet_.step();
    announce();
    mind_start();
    mind_watchdog();
    mind_deadline();
  }
  const bool is_clean = !is_killed_ && fleet_.has_left_cleanly();
  log::info("stopped", "cleanly={}", is_clean);
  return is_clean ? 0 : 1;
}

/// In the child: what is the supervisor's is closed, what is the worker's handed over.
int Supervisor::be_worker(host::WorkerRef self, UniqueFd control) {
  signals_.close_in_child();
  os::set_process_name(fmt::format("ace-worker:{}", self.slot));
  log::setup(log_of(*config_, fmt::format("worker:{}", self.slot)));
  return worker_main_({.config = config_.get(),
                       .host = memory_.get(),
                       .self = self,
                       .listen_fds = descriptors(sockets_),
                       .control = std::move(control)});
}

void Supervisor::wait() {
  std::vector<pollfd> polls{{.fd = signals_.fd(), .events = POLLIN, .revents = 0}};
  std::vector<std::uint32_t> owners{0};
  for (const auto& slot : fleet_.slots()) {
    if (!slot.control) continue;
    polls.push_back({.fd = slot.control.get(), .events = POLLIN, .revents = 0});
    owners.push_back(slot.worker.slot);
  }
  if (poll(polls.data(), polls.size(), static_cast<int>(time_to_wait().count())) <= 0) return;
  for (std::size_t i = 1; i < polls.size(); ++i) {
    if (polls[i].revents != 0) fleet_.on_control(owners[i]);
  }
  if (polls[0].revents != 0) on_signals();
}

milliseconds Supervisor::time_to_wait() const {
  const SteadyTime now = clock_.now();
  SteadyTime due = now + kLookAround;
  if (const auto restart = fleet_.next_due()) due = std::min(due, *restart);
  if (kill_at_) due = std::min(due, *kill_at_);
  if (watchdog_period_) due = std::min(due, watchdog_due_);
  return std::max(0ms, std::chrono::ceil<milliseconds>(due - now));
}

void Supervisor::on_signals() {
  while (const auto signal = signals_.next()) on_signal(*signal);
}

void Supervisor::on_signal(int signal) {
  switch (signal) {
    case SIGTERM:
    case SIGINT:
      return on_stop_signal(signal);
    case SIGTTIN:
      return change_workers(std::min(fleet_.wanted() + 1, kMostWorkers));
    case SIGTTOU:
      return change_workers(std::max(fleet_.wanted() - 1, 1U));
    case SIGHUP:
      return reload_config();
    case SIGUSR1:
      return reopen_logs();
    default:  // SIGCHLD: run() reaps after every wait
      return;
  }
}

void Supervisor::on_stop_signal(int signal) {
  if (is_stopping_) {
    log::warn("stopping_now", "signal={} reason=\"the second one\"", signal);
    is_killed_ = true;
    fleet_.kill_all();
    return;
  }
  log::info("stopping", "signal={} timeout_ms={}", signal, config_->shutdown_timeout.count());
  begin_stop();
}

void Supervisor::begin_stop() {
  is_stopping_ = true;
  os::notify("STOPPING=1");
  kill_at_ = clock_.now() + config_->shutdown_timeout + kKillMargin;
  fleet_.stop();
}

void Supervisor::change_workers(unsigned wanted) {
  if (is_stopping_ || wanted == fleet_.wanted()) return;
  log::info("workers_wanted", "now={} before={}", wanted, fleet_.wanted());
  fleet_.want(wanted);
}

void Supervisor::reload_config() {
  if (is_stopping_) return;
  os::notify_reloading();
  auto fresh = reload_();
  if (!fresh) {
    log::error("reload_refused", "the old config stays: {}", fresh.error().text);
    if (is_ready_ && !is_reloading_) os::notify("READY=1");
    return;
  }
  if (fresh->listen != config_->listen || fresh->port_file != config_->port_file) {
    log::warn("reload_partial", "PROXY_LISTEN and PROXY_PORT_FILE change only by a restart");
    fresh->listen = config_->listen;
    fresh->port_file = config_->port_file;
  }
  *config_ = std::move(*fresh);
  log::setup(log_of(*config_, "supervisor"));
  log::set_level(config_->log.level);
  log::info("reloading", "workers={}", config_->workers);
  fleet_.want(config_->workers);
  fleet_.begin_round();
  is_reloading_ = true;
}

void Supervisor::reopen_logs() {
  log::reopen();
  fleet_.tell_all({.kind = ControlKind::ReopenLogs, .worker = {}});
}

/// Ready is said when every worker has said so, and not before.
void Supervisor::announce() {
  if (is_stopping_ || (is_ready_ && !is_reloading_) || !fleet_.is_settled()) return;
  if (is_ready_) {
    is_reloading_ = false;
    log::info("reloaded", "workers={}", fleet_.wanted());
    os::notify("READY=1");
    return;
  }
  is_ready_ = true;
  is_reloading_ = false;
  std::vector<std::string> addresses;
  for (const auto& socket : sockets_) addresses.push_back(socket.address());
  if (const auto written = port_file_.write(addresses); !written) {
    log::error("port_file_failed", "{}", written.error().text);
    is_killed_ = true;
    begin_stop();
    return;
  }
  log::info("ready", "workers={} listen={}", fleet_.wanted(), fmt::join(addresses, ","));
  os::notify(fmt::format("READY=1\nSTATUS=serving on {}", fmt::join(addresses, ", ")));
}

void Supervisor::mind_start() {
  if (is_ready_ || is_stopping_ || !fleet_.has_failed_to_start()) return;
  std::fprintf(stderr, "ace-proxy: %u workers ended before they were ready: giving up\n",
               Fleet::kStartAttempts);
  is_killed_ = true;
  begin_stop();
}

void Supervisor::mind_watchdog() {
  if (!watchdog_period_ || clock_.now() < watchdog_due_) return;
  os::notify("WATCHDOG=1");
  watchdog_due_ = clock_.now() + *watchdog_period_;
}

void Supervisor::mind_deadline() {
  if (!kill_at_ || clock_.now() < *kill_at_) return;
  log::warn("shutdown_timeout", "killing who has not left in time");
  is_killed_ = true;
  kill_at_.reset();
  fleet_.kill_all();
}

/// What both ways of running need before the first worker.
struct Ground {
  std::vector<ListenSocket> sockets;
  std::unique_ptr<host::HostMemory> memory;
};

Result<Ground> prepare(const config::Config& config) {
  auto sockets = open_listen_sockets(config.listen);
  if (!sockets) return fail(std::move(sockets).error());
  auto memory = host::HostMemory::create();
  if (!memory) return fail(std::move(memory).error());
  (*memory)->scoreboard().log_level = config.log.level;
  log::share_level((*memory)->scoreboard().log_level);
  return Ground{.sockets = std::move(*sockets), .memory = std::move(*memory)};
}

}  // namespace

int run(Service service) {
  log::setup(log_of(service.config, "supervisor"));
  auto signals = SignalFd::open({SIGTERM, SIGINT, SIGHUP, SIGTTIN, SIGTTOU, SIGUSR1, SIGCHLD});
  if (!signals) return refuse_to_start(signals.error());
  auto ground = prepare(service.config);
  if (!ground) return refuse_to_start(ground.error());
  Supervisor supervisor{std::move(service), std::move(*signals), std::move(ground->sockets),
                        std::move(ground->memory)};
  return supervisor.run();
}

int run_single_process(const Service& service) {
  log::setup(log_of(service.config, "worker:0"));
  auto ground = prepare(service.config);
  if (!ground) return refuse_to_start(ground.error());
  auto channel = make_control_channel();
  if (!channel) return refuse_to_start(channel.error());
  auto& board = ground->memory->scoreboard();
  const auto self = board.open_slot(0);
  board.set_pid(self, getpid());
  std::vector<std::string> addresses;
  for (const auto& socket : ground->sockets) addresses.push_back(socket.address());
  PortFile port_file{service.config.port_file};
  // The sockets listen already: whoever connects now waits in the backlog for the worker's loop.
  if (auto written = port_file.write(addresses); !written) return refuse_to_start(written.error());
  os::notify("READY=1");
  return service.worker_main({.config = &service.config,
                              .host = ground->memory.get(),
                              .self = self,
                              .listen_fds = descriptors(ground->sockets),
                              .control = std::move(channel->worker)});
}

}  // namespace ace::supervisor
