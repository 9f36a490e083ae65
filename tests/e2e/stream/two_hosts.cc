#include "tests/e2e/stream/two_hosts.h"

#include <signal.h>

#include <algorithm>
#include <stdexcept>

namespace ace::test {
namespace {

using namespace std::chrono_literals;

ProxyProcess::Environment environment_of(const std::string& host, const RedisServer& redis,
                                         const SimProcess& engines,
                                         const ProxyProcess::Environment& more) {
  auto environment = more;
  environment.try_emplace("PROXY_HOST_NAME", host);
  environment.try_emplace("PROXY_WORKERS", "2");
  if (!environment.contains("REDIS_HOST")) {
    environment.try_emplace("REDIS_SOCKET", redis.endpoint().socket);
  }
  environment.try_emplace("ACE_ENGINES", engines.engine_list());
  return environment;
}

std::uint64_t newest_of(const Viewer& viewer) { return viewer.checker().last_seq().value_or(0); }

}  // namespace

TwoHosts::TwoHosts(const RedisServer::Options& server, const SimOptions& simulated,
                   const ProxyProcess::Environment& more, const ProxyProcess::Environment& only_a)
    : redis{server},
      engines{simulated},
      a{std::make_unique<ProxyProcess>(
          environment_of("host-a", redis, engines, only_a.empty() ? more : only_a))},
      b{std::make_unique<ProxyProcess>(environment_of("host-b", redis, engines, more))},
      at_a{a->port()},
      at_b{b->port()} {
  pids_of_a = worker_pids(a->port());
  pids_of_a.insert(pids_of_a.begin(), a->process().pid());
}

void TwoHosts::watch(std::size_t viewers_at_a, std::size_t viewers_at_b) {
  at_a.open(viewers_at_a, stream_target(id));
  if (!all_served(at_a, 30s)) throw std::runtime_error{"host A does not serve"};
  at_b.open(viewers_at_b, stream_target(id));
  if (!all_served(at_b, 30s)) throw std::runtime_error{"host B does not serve"};
  const auto owns = [name = owner()](pid_t pid) {
    return name.ends_with(":" + std::to_string(pid));
  };
  if (!std::ranges::any_of(pids_of_a, owns)) {
    throw std::runtime_error{"host A is not the owner"};
  }
}

bool TwoHosts::run_until(const std::function<bool()>& is_reached,
                         std::chrono::milliseconds timeout) {
  return at_b.run_until([&] { return at_a.run_until(is_reached, 20ms); }, timeout);
}

void TwoHosts::run_for(std::chrono::milliseconds duration) {
  static_cast<void>(run_until([] { return false; }, duration));
}

void TwoHosts::cut_power_of_a() const {
  signal_a(SIGSTOP);
  signal_a(SIGKILL);
}

void TwoHosts::signal_a(int number) const {
  for (const auto pid : pids_of_a) ::kill(pid, number);
}

redis::Reply TwoHosts::command(const std::vector<std::string>& words) const {
  return redis.command(words).value();
}

std::string TwoHosts::owner() const {
  return std::string{command({"GET", stream_key(id, "owner")}).as_text().value_or("")};
}

std::size_t TwoHosts::keys() const {
  return command({"KEYS", stream_key(id, "*")}).elements.size();
}

std::chrono::milliseconds TwoHosts::outage_at_b(std::chrono::milliseconds timeout) {
  const SystemClock clock;
  const auto begin = clock.now();
  struct Last {
    std::uint64_t number{};
    SteadyTime came;
    bool is_of_b{};  ///< it came when B was the owner
  };
  std::vector<Last> last(at_b.size(), Last{.number = 0, .came = begin, .is_of_b = false});
  std::chrono::nanoseconds longest{};
  const auto all_go_on = [&] {
    const auto now = clock.now();
    const bool is_owned_by_b = owner().starts_with("host-b:");
    for (std::size_t i = 0; i < last.size(); ++i) {
      auto& viewer = last[i];
      const auto newest = newest_of(at_b.at(i));
      if (newest == viewer.number) continue;
      if (viewer.number > 0) longest = std::max(longest, now - viewer.came);
      viewer = {.number = newest, .came = now, .is_of_b = viewer.is_of_b || is_owned_by_b};
    }
    return std::ranges::all_of(last, &Last::is_of_b);
  };
  if (!at_b.run_until(all_go_on, timeout)) return timeout;
  return std::chrono::duration_cast<std::chrono::milliseconds>(longest);
}

std::vector<pid_t> worker_pids(std::uint16_t port) {
  const auto json = json_of(http_request(port, "GET", "/workers").body);
  std::vector<pid_t> pids;
  for (const auto& worker : json.GetArray()) pids.push_back(worker["pid"].GetInt());
  return pids;
}

bool is_whole(const Viewer& viewer) {
  return std::ranges::all_of(viewer.checker().faults(), [](const FaultRecord& record) {
    return record.fault == StreamFault::Gap;
  });
}

bool all_whole(const Viewers& viewers) {
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    if (!is_whole(viewers.at(i))) return false;
  }
  return true;
}

bool all_beyond(const Viewers& viewers, const std::vector<std::uint64_t>& before,
                std::uint64_t bytes) {
  for (std::size_t i = 0; i < viewers.size(); ++i) {
    if (viewers.at(i).bytes() < before[i] + bytes) return false;
  }
  return true;
}

std::vector<std::uint64_t> bytes_of(const Viewers& viewers) {
  std::vector<std::uint64_t> bytes;
  for (std::size_t i = 0; i < viewers.size(); ++i) bytes.push_back(viewers.at(i).bytes());
  return bytes;
}

}  // namespace ace::test
