#pragma once

#include <rapidjson/document.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process/proxy_process.h"
#include "tests/support/process/sim_process.h"
#include "tests/support/redis/redis_server.h"
#include "tests/support/viewers/viewers.h"

namespace ace::test {

/// A worker as `GET /workers` shows it.
struct WorkerRow {
  std::string id;        ///< what X-Ace-Worker says
  std::uint64_t slot{};  ///< worker:N in the log
  pid_t pid{};
  std::string phase;
  std::uint64_t clients{};
  std::uint64_t owned_streams{};
  std::uint64_t bytes_from_engines{};
  std::uint64_t chunks_fetched{};
};

/// A stream as `GET /streams` shows it.
struct StreamRow {
  std::string key;
  std::string container_id;
  std::string status;
  std::string owner;
  std::uint64_t clients{};
};

/// A stream's id: 40 hex digits, another for each number.
[[nodiscard]] std::string stream_id(unsigned number);
[[nodiscard]] std::string stream_target(std::string_view id);
/// `ace_proxy:stream:{id}:{what}`
[[nodiscard]] std::string stream_key(std::string_view id, std::string_view what);

enum class RedisIs { There, Away };

struct ServiceOptions {
  unsigned workers{4};
  std::size_t engines{1};
  std::uint64_t bitrate{8'000'000};
  RedisIs redis{RedisIs::There};
  std::string source{"numbered"};               ///< as SimOptions has it
  std::vector<std::string> engine_arguments{};  ///< likewise
  /// Of the proxy; ACE_ENGINES, REDIS_SOCKET: others than the service's own. Cold streams are
  /// neither delayed nor limited unless PROXY_START_DELAY and PROXY_MAX_STARTS_PER_ADDRESS say so.
  ProxyProcess::Environment environment{};
};

/// The whole of it: Redis, simulated engines and the proxy in front of them, ready. Ends with all
/// its processes when it is destroyed.
class Service {
 public:
  explicit Service(const ServiceOptions& options = {});

  [[nodiscard]] std::uint16_t port() const { return proxy_->port(); }
  [[nodiscard]] const SimProcess& engines() const { return engines_; }
  [[nodiscard]] ChildProcess& proxy() { return proxy_->process(); }

  /// Kills the proxy with all its workers, and starts it again on another port.
  void restart_proxy();

  [[nodiscard]] std::vector<WorkerRow> workers() const;
  /// Workers that died and were replaced: a closed connection may be one that its worker took
  /// along.
  [[nodiscard]] std::uint64_t worker_restarts() const;
  /// The worker that owns streams; throws unless it is just one.
  [[nodiscard]] WorkerRow owner() const;
  [[nodiscard]] std::vector<StreamRow> started_streams() const;
  [[nodiscard]] HttpReply get(std::string_view target) const;
  /// Waits until each worker's last answer to `target` is right. The kernel chooses who answers: it
  /// may be one of two so often that the other's turn does not come in twenty.
  [[nodiscard]] bool every_worker(std::string_view target,
                                  const std::function<bool(const HttpReply&)>& is_right,
                                  std::chrono::milliseconds timeout) const;

  /// To be paused, killed or locked; only with RedisIs::There.
  [[nodiscard]] RedisServer& redis_server() { return redis_.value(); }

  // What redis-cli would print.
  [[nodiscard]] redis::Reply redis(const std::vector<std::string>& command) const;
  [[nodiscard]] std::int64_t redis_number(const std::vector<std::string>& command) const;
  [[nodiscard]] std::size_t redis_count(const std::vector<std::string>& command) const;
  /// Redis' own socket, for tools.
  [[nodiscard]] std::string redis_socket() const { return redis_.value().endpoint().socket; }
  /// A figure of INFO.
  [[nodiscard]] std::uint64_t redis_info(const std::string& section, std::string_view name) const;

 private:
  void start_proxy();

  TempDir dir_;
  std::optional<RedisServer> redis_;
  SimProcess engines_;
  ProxyProcess::Environment environment_;
  std::optional<ProxyProcess> proxy_;
};

/// Runs `viewers` until all of them have got media: an error's text is none.
[[nodiscard]] bool all_served(Viewers& viewers, std::chrono::milliseconds timeout);
/// The reply's body as JSON; throws when it is none.
[[nodiscard]] rapidjson::Document json_of(std::string_view body);
/// How many lines of the log are this event.
[[nodiscard]] std::size_t count_events(const std::string& log, std::string_view event);

}  // namespace ace::test
