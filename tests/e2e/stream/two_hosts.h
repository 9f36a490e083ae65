#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/stream/service.h"

namespace ace::test {

/// Two proxies on one Redis and the same engines, as two hosts would be, and the viewers of one
/// stream on both.
struct TwoHosts {
  explicit TwoHosts(const RedisServer::Options& server = {}, const SimOptions& simulated = {},
                    const ProxyProcess::Environment& more = {},
                    const ProxyProcess::Environment& only_a = {});

  /// Viewers of the stream, first at A, which owns it then, and after that at B.
  void watch(std::size_t viewers_at_a, std::size_t viewers_at_b);
  /// Runs the viewers of both hosts, as Viewers does.
  [[nodiscard]] bool run_until(const std::function<bool()>& is_reached,
                               std::chrono::milliseconds timeout);
  void run_for(std::chrono::milliseconds duration);
  /// All of host A at once, as when its power fails: no process of it gets another turn.
  void cut_power_of_a() const;
  /// Signals the supervisor of host A and its workers.
  void signal_a(int number) const;
  // What redis-cli would print; throws when Redis answers with an error.
  redis::Reply command(const std::vector<std::string>& words) const;
  [[nodiscard]] std::string owner() const;
  /// How many keys the stream has.
  [[nodiscard]] std::size_t keys() const;
  [[nodiscard]] SimStream session() const { return engines.state().stream(id); }
  /// Runs B's viewers until B owns the stream and all of them have got media after that. @returns
  /// the longest time that one of them waited for new media, or `timeout`.
  [[nodiscard]] std::chrono::milliseconds outage_at_b(std::chrono::milliseconds timeout);

  std::string id{stream_id(1)};
  RedisServer redis;
  SimProcess engines;
  std::unique_ptr<ProxyProcess> a;
  std::unique_ptr<ProxyProcess> b;
  Viewers at_a;
  Viewers at_b;
  std::vector<pid_t> pids_of_a;  ///< as they were at its start, the supervisor first
};

[[nodiscard]] std::vector<pid_t> worker_pids(std::uint16_t port);
/// Whole packets in order, none twice. What a dead host had read and nobody has seen may be
/// missing.
[[nodiscard]] bool is_whole(const Viewer& viewer);
[[nodiscard]] bool all_whole(const Viewers& viewers);
/// Each viewer has got so much more than before.
[[nodiscard]] bool all_beyond(const Viewers& viewers, const std::vector<std::uint64_t>& before,
                              std::uint64_t bytes);
[[nodiscard]] std::vector<std::uint64_t> bytes_of(const Viewers& viewers);

}  // namespace ace::test
