#include "shared/config/setting_kinds.h"
#include "shared/config/setting_tables.h"

namespace ace::config {
namespace {

Setting chunk_size_setting() {
  Setting setting = size({"Buffer", "PROXY_BUFFER_CHUNK_SIZE", "",
                          "Bytes of a full chunk, rounded down to whole 188-byte packets."},
                         at(&Config::buffer_chunk_size), 1880, 4_MiB);
  setting.set = [set = setting.set](Config& config, std::string_view text) -> Status {
    if (auto done = set(config, text); !done) return done;
    config.buffer_chunk_size -= config.buffer_chunk_size % 188;
    return {};
  };
  setting.default_text = "320KiB";
  return setting;
}

}  // namespace

void add_redis_settings(std::vector<Setting>& all) {
  all.push_back(text({"Redis", "REDIS_HOST", "", "Address or name of the Redis server."}, "host",
                     at(&Config::redis, &redis::Endpoint::host)));
  all.push_back(count({"Redis", "REDIS_PORT", "", "Its port."},
                      at(&Config::redis, &redis::Endpoint::port), 1, 65535));
  all.push_back(count({"Redis", "REDIS_DB", "", "Number of the database."},
                      at(&Config::redis, &redis::Endpoint::db), 0, 10'000));
  all.push_back(
      text({"Redis", "REDIS_SOCKET", "", "Path of its unix socket; wins over host and port."},
           "path", at(&Config::redis, &redis::Endpoint::socket)));
  all.push_back(text({"Redis", "REDIS_USERNAME", "", "ACL user; empty: the default user."}, "text",
                     at(&Config::redis, &redis::Endpoint::username)));
  all.push_back(text({"Redis", "REDIS_PASSWORD", "", "Password; empty: none is sent."}, "text",
                     at(&Config::redis, &redis::Endpoint::password), Secrecy::Secret));
  all.push_back(duration({"Redis", "PROXY_LEASE", "",
                          "Life of a stream's owner key; renewed at a third of it. Across hosts "
                          "a dead owner is replaced after this time."},
                         at(&Config::lease), 2s, 60s));
}

void add_buffer_settings(std::vector<Setting>& all) {
  all.push_back(duration(
      {"Buffer", "PROXY_BUFFER_TTL", "", "Life of a chunk in Redis: how far a client may trail."},
      at(&Config::buffer_ttl), 5s, 1h));
  all.push_back(count({"Buffer", "PROXY_BUFFER_CHUNKS", "", "Most chunks of one stream in Redis."},
                      at(&Config::buffer_chunks), 10, 100'000));
  all.push_back(size({"Buffer", "PROXY_BUFFER_BYTES", "", "Most bytes of one stream in Redis."},
                     at(&Config::buffer_bytes), 1_MiB, std::size_t{64} << 30U));
  all.push_back(chunk_size_setting());
  all.push_back(duration(
      {"Buffer", "PROXY_CHUNK_MAX_AGE", "", "Age at which a chunk that is not full is passed on."},
      at(&Config::chunk_max_age), 10ms, 5s));
  all.push_back(
      duration({"Buffer", "PROXY_JOIN_BURST", "", "Media that a joining client gets at once."},
               at(&Config::join_burst), 0ms, 60s));
}

void add_client_settings(std::vector<Setting>& all) {
  all.push_back(duration({"Clients", "PROXY_HEARTBEAT_INTERVAL", "",
                          "How often a client's record in Redis is renewed."},
                         at(&Config::heartbeat_interval), 1s, 5min));
  all.push_back(count({"Clients", "PROXY_GHOST_CLIENT_MULTIPLIER", "",
                       "Heartbeats that a record may miss before it is gone."},
                      at(&Config::ghost_client_multiplier), 2, 100));
  all.push_back(duration({"Clients", "PROXY_GRACE_PERIOD", "",
                          "How long a stream goes on after its last client has left."},
                         at(&Config::grace_period), 0ms, 10min));
  all.push_back(duration({"Clients", "PROXY_START_DELAY", "",
                          "How long the first client must stay before an engine is asked: probes "
                          "leave sooner, and start nothing."},
                         at(&Config::start_delay), 0ms, 10s));
  all.push_back(duration({"Clients", "PROXY_KEEPALIVE_INTERVAL", "",
                          "Interval of null packets while an engine is silent."},
                         at(&Config::keepalive_interval), 100ms, 60s));
  all.push_back(duration({"Clients", "PROXY_STALLED_CLIENT_TIMEOUT", "",
                          "A client that has taken nothing for so long is closed."},
                         at(&Config::stalled_client_timeout), 1s, 1h));
  all.push_back(count({"Clients", "PROXY_CLIENT_RATE_FACTOR", "",
                       "Most that one client draws, in multiples of its stream's measured rate. "
                       "0: no limit."},
                      at(&Config::client_rate_factor), 0, 1000));
  all.push_back(duration({"Clients", "PROXY_CLIENT_RATE_BURST", "",
                          "Media that a limited client gets at once all the same; never less than "
                          "the join burst."},
                         at(&Config::client_rate_burst), 1s, 10min));
  all.push_back(count({"Clients", "PROXY_CLIENT_MAX_BITRATE", "",
                       "Most bits a second that one client draws. 0: no limit."},
                      at(&Config::client_max_bitrate), 0, 100'000'000'000));
}

}  // namespace ace::config
