#include "workers/worker_options.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "shared/os/memory_use.h"

namespace ace::workers {

using std::chrono::milliseconds;

streams::StreamOptions stream_options(const config::Config& config) {
  streams::StreamOptions options;
  options.feed.timeouts.connect = config.engine_connect_timeout;
  options.feed.timeouts.json = config.engine_json_timeout;
  options.feed.timeouts.first_byte = config.engine_first_byte_timeout;
  options.feed.start = config.start_timeout;
  options.feed.adopt = config.engine_adopt_timeout;
  options.feed.unhealthy = config.connection_timeout;
  options.feed.give_up = config.give_up;
  options.filler_every = config.keepalive_interval;
  options.feed.chunk = {.max_bytes = config.buffer_chunk_size, .max_age = config.chunk_max_age};
  options.appender.buffer_chunks = config.buffer_chunks;
  options.appender.buffer_bytes = config.buffer_bytes;
  options.appender.chunk_ttl = config.buffer_ttl;
  // A renewal every third of the lease leaves room for a lost one; the fence leaves room for a slow
  // answer before anybody else may claim.
  options.lease = {
      .lease = config.lease, .renew_every = config.lease / 3, .fence_after = config.lease * 5 / 6};
  options.record_ttl = std::max(config.buffer_ttl, config.lease * 2);
  options.appender.record_ttl = options.record_ttl;
  options.window.span = config.join_burst + milliseconds{4'000};
  options.reach.span = std::clamp(config.join_max_burst, config.join_burst,
                                  std::max(config.join_burst, config.buffer_ttl));
  options.reach.bytes = std::min(options.reach.bytes, config.buffer_bytes);
  options.window.bytes = std::min(options.window.bytes, config.buffer_bytes);
  options.buffer = {.span = std::max(config.buffer_ttl, options.window.span),
                    .bytes = config.buffer_bytes,
                    .chunks = config.buffer_chunks};
  options.grace_period = config.grace_period;
  options.start_delay = config.start_delay;
  options.join_burst = config.join_burst;
  options.rate_factor = config.client_rate_factor;
  options.rate_burst = config.client_rate_burst;
  options.max_bitrate = config.client_max_bitrate;
  options.stalled_client = config.stalled_client_timeout;
  // As far back as the burst reaches where chunks are cut by age.
  options.follower.initial_behind = static_cast<std::size_t>(std::max<std::int64_t>(
      1, config.join_burst / std::max(config.chunk_max_age, milliseconds{1})));
  return options;
}

http::ConnectionLimits connection_limits(const config::Config& config) {
  return {
      .header = config.header_timeout, .idle = config.idle_timeout, .linger = milliseconds{2'000}};
}

http::StrangerBytes::Limits stranger_limits(const config::Config& config) {
  if (config.memory_limit) return http::StrangerBytes::limits_for(config.memory_limit);
  const auto group = os::MemoryGroup::find();
  return http::StrangerBytes::limits_for(group ? std::optional{group->limit()} : std::nullopt);
}

http::EndpointOptions endpoint_options(const config::Config& config) {
  using http::AccessGate;
  return {
      .host_name = config.host_name,
      .allowed_hosts = config.allowed_hosts,
      .api_key = config.api_key,
      .reads = config.api_protects_reads ? AccessGate::Reads::Protected : AccessGate::Reads::Open,
      .gate = http::StreamGate{config.allow, config.stream_tokens},
      .limits = {.max_clients = config.max_clients,
                 .max_clients_per_stream = config.max_clients_per_stream,
                 .max_starts_per_address = config.max_starts_per_address,
                 // What is older may expire while it is read.
                 .max_delay = config.buffer_ttl * 3 / 4}};
}

ownership::ClientRecordTiming client_record_timing(const config::Config& config) {
  return {.heartbeat = config.heartbeat_interval,
          .client_ttl = config.heartbeat_interval * config.ghost_client_multiplier,
          .record_ttl = std::max(config.buffer_ttl, config.lease * 2)};
}

engines::RegistryOptions registry_options(const config::Config& config) {
  engines::RegistryOptions options;
  options.selection = {.lease = config.lease, .settle = config.engine_settle};
  options.health.every = config.engine_check_interval;
  options.orchestrator_url = config.orchestrator_url;
  options.refresh = config.engine_refresh;
  options.max_streams = config.max_streams_per_engine;
  for (const auto& setting : config.engines) {
    engines::EngineAddress engine;
    engine.host = setting.host;
    engine.port = setting.port;
    engine.name = setting.name;
    engine.forwarded = setting.forwarded;
    engine.max_streams =
        setting.max_streams != 0 ? setting.max_streams : config.max_streams_per_engine;
    (setting.is_dns ? options.names : options.engines).push_back(std::move(engine));
  }
  return options;
}

}  // namespace ace::workers
