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

#include "shared/config/settings.h"
#include "shared/log/log.h"
#include "shared/os/process_tuning.h"

namespace ace::supervisor {
namespace {

using namespace std::chrono_literals;

/// How often hung workers are looked for, whatever else happens.
constexpr milliseconds kLookAround{1000};
/// Workers count the shutdown time themselves; we let them finish counting.
constexpr milliseconds kKillMargin{500};

}  // namespace

log::Options log_options(const config::Config& config, std::string process) {
  log::Options options = config.log;
  options.process = std::move(process);
  return options;
}

void tell_warnings(const config::Config& config) {
  for (const auto& warning : config.warnings) log::warn("setting_doubtful", "{}", warning);
}

Supervisor::Supervisor(Service service, std::string program, SignalFd signals, Ground ground)
    : config_{std::make_unique<config::Config>(std::move(service.config))},
      reload_{std::move(service.reload)},
      worker_main_{std::move(service.worker_main)},
      image_{.program = std::move(program), .arguments = std::move(service.arguments)},
      signals_{std::move(signals)},
      ground_{std::move(ground)},
      port_file_{config_->port_file},
      processes_{signals_.mask_before()},
      fleet_{processes_, clock_, ground_.memory->scoreboard(),
             [this](host::WorkerRef self, UniqueFd control) {
               return be_worker(self, std::move(control));
             }} {}

void Supervisor::tell_limit() const {
  const auto cores = config::usable_cores();
  if (config_->workers < config::kMostWorkers || cores <= config::kMostWorkers || is_ready_) return;
  log::warn("workers_limited", "workers={} cores={}: more workers than these there cannot be",
            config_->workers, cores);
}

int Supervisor::run() {
  if (!is_ready_) log::info("starting", "workers={} pid={}", config_->workers, getpid());
  tell_limit();
  fleet_.want(config_->workers);
  fleet_.step();
  while (!is_stopping_ || !fleet_.is_empty()) {
    wait();
    while (const auto ended = processes_.reap()) {
      if (!trial_.on_exit(*ended)) fleet_.on_exit(*ended);
    }
    mind_upgrade();
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
  trial_.close_in_child();
  os::set_process_name(fmt::format("ace-worker:{}", self.slot));
  log::setup(log_options(*config_, fmt::format("worker:{}", self.slot)));
  return worker_main_({.config = config_.get(),
                       .host = ground_.memory.get(),
                       .self = self,
                       .listen_fds = ground_.descriptors(),
                       .own_listen_fds = ground_.own_descriptors(),
                       .control = std::move(control)});
}

void Supervisor::wait() {
  // poll() passes over a descriptor of -1: no trial, or one that has nothing more to say.
  std::vector<pollfd> polls{{.fd = signals_.fd(), .events = POLLIN, .revents = 0},
                            {.fd = trial_.fd(), .events = POLLIN, .revents = 0}};
  const std::size_t first = polls.size();
  std::vector<std::uint32_t> owners;
  for (const auto& slot : fleet_.slots()) {
    if (!slot.control) continue;
    polls.push_back({.fd = slot.control.get(), .events = POLLIN, .revents = 0});
    owners.push_back(slot.worker.slot);
  }
  if (poll(polls.data(), polls.size(), static_cast<int>(time_to_wait().count())) <= 0) return;
  for (std::size_t i = first; i < polls.size(); ++i) {
    if (polls[i].revents != 0) fleet_.on_control(owners[i - first]);
  }
  if (polls[1].revents != 0) trial_.listen();
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
      return change_workers(std::min(fleet_.wanted() + 1, config::kMostWorkers));
    case SIGTTOU:
      return change_workers(std::max(fleet_.wanted() - 1, 1U));
    case SIGHUP:
      return reload_config();
    case SIGUSR1:
      return reopen_logs();
    case SIGUSR2:
      return begin_upgrade();
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
  // Workers may take their time with viewers; meanwhile nobody shall wait for an answer here, and a
  // service that is started next can bind.
  for (const int fd : ground_.own_descriptors()) refuse_connections(fd);
  os::notify("STOPPING=1");
  trial_.give_up();
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
    log::error("reload_refused", "the old settings stay in force: {}", fresh.error().text);
    if (is_ready_ && !is_reloading_) os::notify("READY=1");
    return;
  }
  keep_ground_settings(*fresh, listen_text(*config_), config_->port_file);
  *config_ = std::move(*fresh);
  log::setup(log_options(*config_, "supervisor"));
  log::set_level(config_->log.level);
  tell_warnings(*config_);
  log::info("reloading", "workers={}", config_->workers);
  fleet_.want(config_->workers);
  begin_round();
}

void Supervisor::begin_round() {
  fleet_.begin_round();
  is_reloading_ = true;
  is_stuck_ = false;
}

void Supervisor::reopen_logs() {
  log::reopen();
  fleet_.tell_all({.kind = ControlKind::ReopenLogs, .worker = {}});
}

/// Ready is said when every worker has said so, and not before.
void Supervisor::announce() {
  if (is_stopping_ || (is_ready_ && !is_reloading_)) return;
  if (is_ready_ && !is_stuck_ && fleet_.is_round_stuck()) {
    is_stuck_ = true;
    log::error("reload_stuck", "new workers end before they are ready: the old ones serve on");
    os::notify("READY=1\nSTATUS=new workers do not start, those of before serve on");
  }
  if (!fleet_.is_settled()) return;
  is_reloading_ = false;
  if (is_ready_) {
    log::info("reloaded", "workers={}", fleet_.wanted());
    return say_serving();
  }
  is_ready_ = true;
  if (!has_written_port_file()) {
    is_killed_ = true;
    begin_stop();
    return;
  }
  log::info("ready", "workers={} listen={}", fleet_.wanted(), fmt::join(ground_.addresses(), ","));
  say_serving();
}

bool Supervisor::has_written_port_file() {
  const auto written = port_file_.write(ground_.addresses());
  if (!written) log::error("port_file_failed", "{}", written.error().text);
  return written.has_value();
}

void Supervisor::say_serving() {
  os::notify(fmt::format("READY=1\nSTATUS=serving on {}", fmt::join(ground_.addresses(), ", ")));
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
  log::warn("shutdown_timeout", "killing a worker that has not ended in time");
  is_killed_ = true;
  kill_at_.reset();
  fleet_.kill_all();
}

/// What this process leaves to whom it becomes.
Inheritance Supervisor::inheritance() const {
  Inheritance left{.program = image_.program,
                   .listen = listen_text(*config_),
                   .port_file = config_->port_file,
                   .blocked_signals = members_of(signals_.mask_before()),
                   .sockets = {},
                   .memory = ground_.memory->descriptor(),
                   .inboxes = {},
                   .workers = {}};
  for (const auto& socket : ground_.sockets) left.sockets.push_back(socket.record());
  for (std::uint32_t i = 0; i < host::kMaxSlots; ++i) {
    const auto& inbox = ground_.memory->inbox(i);
    left.inboxes[i] = {.receive = inbox.receive.get(), .send = inbox.send.get()};
  }
  for (const auto& slot : fleet_.slots()) {
    if (slot.state == SlotState::Empty) continue;
    left.workers.push_back({.worker = slot.worker,
                            .state = slot.state,
                            .pid = slot.pid,
                            .control = slot.control.get(),
                            .started = slot.started,
                            .restart_at = slot.restart_at,
                            .next_delay = slot.restarts.next(),
                            .heir = slot.heir});
  }
  return left;
}

void Supervisor::take_over(const Inheritance& inheritance) {
  for (const auto& worker : inheritance.workers) {
    WorkerSlot slot;
    slot.state = worker.state;
    slot.worker = worker.worker;
    slot.pid = worker.pid;
    slot.control = UniqueFd{worker.control};
    slot.started = worker.started;
    slot.restart_at = worker.restart_at;
    slot.restarts = RestartPolicy{worker.next_delay};
    slot.heir = worker.heir;
    fleet_.adopt(std::move(slot));
  }
  (void)has_written_port_file();  // the one from before is right, ours will go away with us
  log::info("upgraded", "pid={} program={:?} workers={}", getpid(), image_.program,
            inheritance.workers.size());
  is_ready_ = true;
  begin_round();
}

void Supervisor::begin_upgrade() {
  if (is_stopping_ || trial_.is_running()) return;  // whoever asks twice gets it once
  if (!is_ready_) return refuse_upgrade("the service has not started yet");
  log::info("upgrade_begins", "program={:?}", image_.program);
  os::notify_reloading();
  if (const auto begun = trial_.begin(image_, inheritance()); !begun) {
    refuse_upgrade(begun.error().text);
  }
}

void Supervisor::refuse_upgrade(std::string_view why) {
  log::error("upgrade_refused", "the old program goes on: {}", why);
  if (is_ready_ && (!is_reloading_ || is_stuck_)) say_serving();
}

void Supervisor::mind_upgrade() {
  trial_.mind_limit();
  const auto verdict = trial_.take_verdict();
  if (!verdict || is_stopping_) return;
  if (!*verdict) return refuse_upgrade(verdict->error().text);
  refuse_upgrade(become(image_, inheritance()).text);
}

}  // namespace ace::supervisor
