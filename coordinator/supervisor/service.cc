#include "coordinator/supervisor/service.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>

#include "coordinator/supervisor/supervisor.h"
#include "shared/log/log.h"
#include "shared/os/systemd.h"

namespace ace::supervisor {
namespace {

int refuse_to_start(const Error& why) {
  std::fprintf(stderr, "ace-proxy: %s\n", why.text.c_str());
  return 1;
}

Result<Ground> find_ground(const config::Config& config, const std::optional<Bequest>& bequest) {
  return bequest ? take_over_ground(bequest->inheritance) : prepare_ground(config);
}

}  // namespace

int run(Service service) {
  auto bequest = claim_inheritance();
  if (!bequest) return refuse_to_start(bequest.error());
  const auto* const left = *bequest ? &(*bequest)->inheritance : nullptr;
  if (left != nullptr && (*bequest)->role == Role::Trial) return answer_trial(*left);
  log::setup(log_options(service.config, "supervisor"));
  tell_warnings(service.config);
  if (left != nullptr) keep_ground_settings(service.config, left->listen, left->port_file);
  std::optional<sigset_t> mask;
  if (left != nullptr) mask = set_of(left->blocked_signals);
  auto signals =
      SignalFd::open({SIGTERM, SIGINT, SIGHUP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGCHLD}, mask);
  if (!signals) return refuse_to_start(signals.error());
  auto ground = find_ground(service.config, *bequest);
  if (!ground) return refuse_to_start(ground.error());
  Supervisor supervisor{std::move(service),
                        left != nullptr ? left->program : path_of_this_program(),
                        std::move(*signals), std::move(*ground)};
  if (left != nullptr) supervisor.take_over(*left);
  return supervisor.run();
}

int run_single_process(const Service& service) {
  log::setup(log_options(service.config, "worker:0"));
  tell_warnings(service.config);
  auto ground = prepare_ground(service.config);
  if (!ground) return refuse_to_start(ground.error());
  auto channel = make_control_channel();
  if (!channel) return refuse_to_start(channel.error());
  auto& board = ground->memory->scoreboard();
  const auto self = board.open_slot(0);
  board.set_pid(self, getpid());
  PortFile port_file{service.config.port_file};
  // The sockets listen already: whoever connects now waits in the backlog for the worker's loop.
  if (auto written = port_file.write(ground->addresses()); !written) {
    return refuse_to_start(written.error());
  }
  os::notify("READY=1");
  return service.worker_main({.config = &service.config,
                              .host = ground->memory.get(),
                              .self = self,
                              .listen_fds = ground->descriptors(),
                              .own_listen_fds = ground->own_descriptors(),
                              .control = std::move(channel->worker)});
}

}  // namespace ace::supervisor
