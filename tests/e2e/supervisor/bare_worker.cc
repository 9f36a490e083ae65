#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "coordinator/supervisor/control_channel.h"
#include "workers/main/program.h"

// The smallest worker that keeps the supervisor's contract: it beats, accepts, answers with its pid
// and closes. What a test wants to go wrong is told by the environment.

namespace {

using ace::supervisor::ControlKind;
using ace::supervisor::WorkerContext;

volatile std::sig_atomic_t has_sigterm = 0;

bool is_asked_to(const char* what) {
  const char* asked = std::getenv("BARE_WORKER");
  return asked != nullptr && std::string{asked} == what;
}

void answer(int listener) {
  const ace::UniqueFd client{accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
  if (!client) return;
  const auto text = std::to_string(getpid()) + "\n";
  send(client.get(), text.data(), text.size(), MSG_NOSIGNAL);
}

/// @returns whether to go on.
bool on_control(const WorkerContext& context) {
  const auto message = ace::supervisor::receive_control(context.control.get());
  if (!message) return false;
  return !*message || (*message)->kind != ControlKind::Drain;
}

void beat(const WorkerContext& context) {
  context.host->scoreboard().slots[context.self.slot].beat_ns =
      ace::SystemClock{}.now().time_since_epoch().count();
}

int run(WorkerContext context) {
  if (is_asked_to("die")) return 3;
  // What concerns only supervisors must not come as far as here.
  if (std::getenv("ACE_PROXY_INHERITANCE") != nullptr) return 5;
  struct sigaction action {};
  action.sa_handler = [](int) { has_sigterm = 1; };
  if (is_asked_to("ignore-sigterm")) action.sa_handler = SIG_IGN;
  sigaction(SIGTERM, &action, nullptr);
  context.host->scoreboard().slots[context.self.slot].phase = ace::host::WorkerPhase::Serving;
  if (!ace::supervisor::send_control(context.control.get(),
                                     {.kind = ControlKind::Ready, .worker = {}}))
    return 4;
  while (has_sigterm == 0) {
    beat(context);
    std::vector<pollfd> polls{{.fd = context.control.get(), .events = POLLIN, .revents = 0}};
    for (const int fd : context.listen_fds)
      polls.push_back({.fd = fd, .events = POLLIN, .revents = 0});
    poll(polls.data(), polls.size(), 200);
    if (polls[0].revents != 0 && !on_control(context)) return 0;
    for (std::size_t i = 1; i < polls.size(); ++i) {
      if (polls[i].revents != 0) answer(polls[i].fd);
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) { return ace::run_program(argc, argv, run); }
