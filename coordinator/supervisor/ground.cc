#include "coordinator/supervisor/ground.h"

#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "shared/log/log.h"

namespace ace::supervisor {
namespace {

Status check_listens(int fd) {
  int listens = 0;
  socklen_t size = sizeof listens;
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 && listens == 1) return {};
  return fail(Errc::Protocol, "an inherited socket does not listen");
}

Result<std::unique_ptr<host::HostMemory>> take_over_memory(const Inheritance& inheritance) {
  host::HostMemory::Inboxes inboxes;
  for (std::size_t slot = 0; slot < inboxes.size(); ++slot) {
    const auto& from = inheritance.inboxes[slot];
    inboxes[slot] = {.receive = UniqueFd{from.receive}, .send = UniqueFd{from.send}};
  }
  return host::HostMemory::adopt(UniqueFd{inheritance.memory}, std::move(inboxes));
}

/// Of the supervisor and of each worker, which inherits what that one has.
Status check_descriptors(const config::Config& config) {
  constexpr std::size_t kInboxes = 2 * host::kMaxSlots;
  constexpr std::size_t kOwn = 48;      // loop, Redis, logs, shared memory, listening sockets
  constexpr std::size_t kTraffic = 64;  // the least that is worth a start; the rest is viewers
  const std::size_t controls = 2 * config.workers;
  const std::size_t needed = kInboxes + controls + kOwn + kTraffic;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= needed) return {};
  return fail(
      Errc::System,
      fmt::format("too few file descriptors: {} are allowed, at least {} are needed ({} for "
                  "messages between workers, {} for {} workers' control, {} for loop, "
                  "Redis, logs and listening, {} for viewers and engines; then one more for "
                  "each viewer): raise `ulimit -n`, LimitNOFILE= of the unit or --ulimit "
                  "nofile= of the container",
                  limit.rlim_cur, needed, kInboxes, controls, config.workers, kOwn, kTraffic));
}

}  // namespace

std::vector<int> Ground::own_descriptors() const {
  std::vector<int> fds;
  for (const auto& socket : sockets) {
    if (socket.is_ours()) fds.push_back(socket.fd());
  }
  return fds;
}

std::vector<int> Ground::descriptors() const {
  std::vector<int> fds;
  for (const auto& socket : sockets) fds.push_back(socket.fd());
  return fds;
}

std::vector<std::string> Ground::addresses() const {
  std::vector<std::string> texts;
  for (const auto& socket : sockets) texts.push_back(socket.address());
  return texts;
}

Result<Ground> prepare_ground(const config::Config& config) {
  if (auto enough = check_descriptors(config); !enough) return fail(std::move(enough).error());
  auto sockets = open_listen_sockets(config.listen);
  if (!sockets) return fail(std::move(sockets).error());
  auto memory = host::HostMemory::create();
  if (!memory) return fail(std::move(memory).error());
  (*memory)->scoreboard().log_level = config.log.level;
  log::share_level((*memory)->scoreboard().log_level);
  return Ground{.sockets = std::move(*sockets), .memory = std::move(*memory)};
}

Result<Ground> take_over_ground(const Inheritance& inheritance) {
  Ground ground;
  for (const auto& socket : inheritance.sockets) {
    ground.sockets.push_back(ListenSocket::restore(socket));
  }
  auto memory = take_over_memory(inheritance);
  if (!memory) return fail(std::move(memory).error());
  ground.memory = std::move(*memory);
  log::share_level(ground.memory->scoreboard().log_level);
  return ground;
}

Status check_ground(const Inheritance& inheritance) {
  for (const auto& socket : inheritance.sockets) {
    if (auto listens = check_listens(socket.fd); !listens) return listens;
  }
  if (auto memory = take_over_memory(inheritance); !memory) return fail(std::move(memory).error());
  return {};
}

std::string listen_text(const config::Config& config) {
  std::vector<std::string> texts;
  for (const auto& address : config.listen) texts.push_back(address.text());
  return fmt::format("{}", fmt::join(texts, ","));
}

void keep_ground_settings(config::Config& fresh, const std::string& listen,
                          const std::string& port_file) {
  if (listen_text(fresh) == listen && fresh.port_file == port_file) return;
  log::warn("reload_partial", "PROXY_LISTEN and PROXY_PORT_FILE change only by a restart");
  if (auto stays = config::parse_listen_list(listen)) fresh.listen = std::move(*stays);
  fresh.port_file = port_file;
}

}  // namespace ace::supervisor
