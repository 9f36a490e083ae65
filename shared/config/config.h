#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/bytes.h"
#include "shared/config/address.h"
#include "shared/config/stream_token.h"
#include "shared/log/log.h"
#include "shared/net/ip_set.h"
#include "shared/redis/endpoint.h"

namespace ace::config {

using std::chrono::milliseconds;
using namespace std::chrono_literals;
using namespace ace::literals;

/// Worker processes that PROXY_WORKERS allows.
inline constexpr unsigned kMostWorkers = 32;

/// Cores that this process may use, within what PROXY_WORKERS allows.
[[nodiscard]] unsigned workers_for_this_host();

/// What the system calls this host.
[[nodiscard]] std::string system_host_name();

/// Every setting, checked. A default-constructed Config holds the defaults; *_settings.cc say for
/// each member how it is called outside, what it means and what is allowed.
struct Config {
  // server
  std::vector<ListenAddress> listen{{.host = {}, .port = 8000, .unix_path = {}}};
  unsigned workers{workers_for_this_host()};
  std::string host_name{system_host_name()};  ///< part of the workers' ids
  std::string api_key;                        ///< secret; empty: open to everybody
  std::vector<std::string> allowed_hosts;     ///< names of this host, for changes without a key
  bool api_protects_reads{};                  ///< who only looks needs the key, too
  net::IpSet allow;                           ///< who may watch; empty: everybody
  net::IpSet trusted_proxies;                 ///< whose X-Forwarded-For is believed
  std::vector<StreamToken> stream_tokens;     ///< secret; empty: none is needed to watch
  std::size_t max_clients{};                  ///< on this host, all workers together; 0: no limit
  std::size_t max_clients_per_stream{};       ///< on this host; 0: no limit
  std::size_t max_starts_per_address{32};     ///< on this host, at once; 0: no limit
  std::optional<std::size_t> memory_limit;    ///< of all workers; 0: none; nothing: their group's
  std::string port_file;                      ///< empty: none
  milliseconds shutdown_timeout{10s};

  // engines
  std::vector<EngineAddress> engines{
      {.host = "127.0.0.1", .port = 6878, .name = {}, .forwarded = false, .max_streams = 0}};
  std::string orchestrator_url;       ///< empty: there is none
  milliseconds engine_refresh{30s};   ///< how often names and the orchestrator are asked
  unsigned max_streams_per_engine{};  ///< 0: no limit
  milliseconds engine_connect_timeout{1s};
  milliseconds engine_json_timeout{15s};
  milliseconds engine_first_byte_timeout{30s};
  milliseconds start_timeout{15s};  ///< for the first media of a stream, all engines together
  milliseconds engine_adopt_timeout{500ms};
  milliseconds engine_settle{};             ///< between two starts on one engine
  milliseconds engine_check_interval{10s};  ///< how often each engine is asked how it is
  milliseconds connection_timeout{10s};     ///< silence of an engine before it counts as unhealthy
  milliseconds give_up{5min};               ///< without media, before a stream ends

  // redis
  redis::Endpoint redis;
  milliseconds lease{6s};

  // buffer
  milliseconds buffer_ttl{60s};
  std::size_t buffer_chunks{1000};
  std::size_t buffer_bytes{128_MiB};
  std::size_t buffer_chunk_size{320_KiB / 188 * 188};  ///< whole TS packets
  milliseconds chunk_max_age{100ms};
  milliseconds join_burst{6s};
  milliseconds join_max_burst{30s};

  // clients
  milliseconds heartbeat_interval{10s};
  unsigned ghost_client_multiplier{5};
  milliseconds grace_period{5s};
  milliseconds start_delay{300ms};
  milliseconds keepalive_interval{500ms};
  milliseconds stalled_client_timeout{30s};
  unsigned client_rate_factor{};  ///< 0: no limit
  milliseconds client_rate_burst{10s};
  std::uint64_t client_max_bitrate{};  ///< 0: no limit
  milliseconds header_timeout{10s};
  milliseconds idle_timeout{30s};

  /// `process` is left empty: each process fills in its own name.
  log::Options log{.level = log::Level::Info,
                   .format = log::Format::Text,
                   .file = {},
                   .process = {},
                   .most_alike = 500,
                   .access = "off",
                   .access_format = log::AccessFormat::Combined,
                   .access_bytes = 100_MiB,
                   .secrets = {}};

  /// What is probably not as it was meant, each as the text of a log event.
  std::vector<std::string> warnings;
};

}  // namespace ace::config
