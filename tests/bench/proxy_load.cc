#include "tests/bench/proxy_load.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <stdexcept>

#include "tests/support/process/proxy_process.h"
#include "tests/support/process/sim_process.h"
#include "tests/support/process/wait_until.h"
#include "tests/support/viewers/viewers.h"

namespace ace::bench {
namespace {

constexpr std::chrono::seconds kStartTimeout{20};

bool answers(const std::string& socket_path) {
  const UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

/// A redis-server whose pid is known: its CPU time is part of what is measured.
class MeasuredRedis {
 public:
  MeasuredRedis()
      : socket_{dir_.file("redis")},
        process_{"redis-server",
                 "/usr/bin/redis-server",
                 {.arguments = {"--port", "0", "--unixsocket", socket_, "--save", "",
                                "--appendonly", "no", "--dir", dir_.path().string()}}} {
    if (!test::wait_until([&] { return answers(socket_); }, kStartTimeout)) {
      throw std::runtime_error{"redis-server does not answer:\n" + process_.log()};
    }
  }

  [[nodiscard]] const std::string& socket() const { return socket_; }
  [[nodiscard]] CpuSeconds cpu() const { return cpu_time(process_.pid()); }

 private:
  test::TempDir dir_;
  std::string socket_;
  test::ChildProcess process_;
};

std::size_t count_grown(const test::Viewers& viewers, const std::vector<std::uint64_t>& before) {
  std::size_t grown = 0;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (viewers.at(i).bytes() > before[i]) ++grown;
  }
  return grown;
}

}  // namespace

ProxyCost measure_proxy(const Load& load, int workers) {
  const MeasuredRedis redis;
  const test::SimProcess sim{{.bitrate = load.bitrate}};
  test::ProxyProcess proxy{{{"ACE_ENGINES", sim.engine_list()},
                            {"REDIS_SOCKET", redis.socket()},
                            {"PROXY_WORKERS", std::to_string(workers)}}};
  test::Viewers viewers{proxy.port()};
  test::ViewerOptions options;
  options.discard = true;
  options.connect_spread = std::chrono::seconds{2};
  viewers.open(load.clients, "/ace/getstream?id=" + std::string(40, 'b'), options);
  const auto all_served = [&] { return viewers.count_with_bytes(1) == load.clients; };
  if (!viewers.run_until(all_served, kStartTimeout)) {
    throw std::runtime_error{fmt::format("{} of {} clients were served, the first with status {}",
                                         viewers.count_with_bytes(1), load.clients,
                                         viewers.at(0).status())};
  }
  viewers.run_for(load.warm_up);

  const auto cpu = [&] { return cpu_time_of_family(proxy.process().pid()); };
  std::vector<std::uint64_t> bytes_before;
  for (std::size_t i = 0; i < viewers.size(); ++i) bytes_before.push_back(viewers.at(i).bytes());
  const Cost before{cpu() + redis.cpu(), viewers.total_bytes()};
  const auto redis_before = redis.cpu();
  viewers.run_for(load.measured);
  const Cost after{cpu() + redis.cpu(), viewers.total_bytes()};
  return {.total = {after.cpu - before.cpu, after.bytes - before.bytes},
          .redis_cpu = redis.cpu() - redis_before,
          .served = count_grown(viewers, bytes_before)};
}

}  // namespace ace::bench
