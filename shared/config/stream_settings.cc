#include <algorithm>

#include "shared/config/setting_kinds.h"
#include "shared/config/setting_tables.h"

namespace ace::config {
namespace {

Setting chunk_size_setting() {
  Setting setting = size({"Buffer", "PROXY_BUFFER_CHUNK_SIZE", "",
                          "Size of a full chunk, rounded down to whole packets of 188 bytes."},
                         at(&Config::buffer_chunk_size), 1880, 4_MiB);
  setting.set = [set = setting.set](Config& config, std::string_view text) -> Status {
    if (auto done = set(config, text); !done) return done;
    config.buffer_chunk_size -= config.buffer_chunk_size % 188;
    return {};
  };
  setting.default_text = "320KiB";
  return setting;
}

/// load() sets what the url stands for; nothing is left to be set here.
Setting redis_url_setting() {
  Setting setting = named({"Redis", "REDIS_URL", "",
                           "Redis server as one url, instead of the following settings that it "
                           "names. Percent-encode special characters of user and password."});
  setting.unit = "url";
  setting.allowed = "redis://[[user]:password@]host[:port][/db]";
  setting.is_secret = true;
  setting.set = [](Config&, std::string_view) -> Status { return {}; };
  setting.get = [](const Config&) { return std::string{}; };
  return finished(std::move(setting));
}

Setting redis_host_setting() {
  Setting setting = text({"Redis", "REDIS_HOST", "", "Address or name of the Redis server."},
                         "host", at(&Config::redis, &redis::Endpoint::host));
  setting.allowed = "address or name, no port";
  setting.set = [set = setting.set](Config& config, std::string_view given) -> Status {
    const auto host = trim(given);
    if (host.find("://") != std::string_view::npos) {
      return fail(Errc::InvalidArgument, "a url is given as REDIS_URL");
    }
    if (host.starts_with('[')) {
      return fail(Errc::InvalidArgument, "an IPv6 address stands here without brackets");
    }
    if (host.find_first_of(" /@") != std::string_view::npos) return not_allowed();
    if (std::ranges::count(host, ':') == 1) {
      return fail(Errc::InvalidArgument, "the port is given as REDIS_PORT");
    }
    return set(config, host);
  };
  return setting;
}

Setting redis_port_setting() {
  Setting setting = count({"Redis", "REDIS_PORT", "", "TCP port of the Redis server."},
                          at(&Config::redis, &redis::Endpoint::port), 1, 65535);
  setting.set = [set = setting.set](Config& config, std::string_view given) -> Status {
    if (!trim(given).starts_with("tcp://")) return set(config, given);
    return fail(Errc::InvalidArgument,
                "this is what Kubernetes sets for a service called redis: set enableServiceLinks: "
                "false in the pod, or REDIS_PORT yourself");
  };
  return setting;
}

Setting redis_password_setting() {
  Setting setting = text({"Redis", "REDIS_PASSWORD", "", "Redis password. Empty: none is sent."},
                         "text", at(&Config::redis, &redis::Endpoint::password), Secrecy::Secret);
  setting.set = [set = setting.set](Config& config, std::string_view given) -> Status {
    if (trim(given) != given) {
      config.warnings.emplace_back("setting=REDIS_PASSWORD: it begins or ends with a blank");
    }
    return set(config, given);
  };
  return setting;
}

}  // namespace

void add_redis_settings(std::vector<Setting>& all) {
  all.push_back(redis_url_setting());
  all.push_back(redis_host_setting());
  all.push_back(redis_port_setting());
  all.push_back(count({"Redis", "REDIS_DB", "", "Number of the Redis database."},
                      at(&Config::redis, &redis::Endpoint::db), 0, 10'000));
  all.push_back(text(
      {"Redis", "REDIS_SOCKET", "",
       "Path of the Redis server's unix socket. If set, REDIS_HOST and REDIS_PORT are ignored."},
      "path", at(&Config::redis, &redis::Endpoint::socket)));
  all.push_back(text({"Redis", "REDIS_USERNAME", "", "Redis user (ACL). Empty: the default user."},
                     "text", at(&Config::redis, &redis::Endpoint::username)));
  all.push_back(redis_password_setting());
  all.push_back(duration({"Redis", "PROXY_LEASE", "",
                          "Lifetime of a stream's owner key, renewed at a third of it. A dead "
                          "host's streams are taken over after this time. Use the same on all "
                          "hosts."},
                         at(&Config::lease), 2s, 60s));
}

void add_buffer_settings(std::vector<Setting>& all) {
  all.push_back(duration({"Buffer", "PROXY_BUFFER_TTL", "",
                          "Lifetime of a chunk in Redis: how far a viewer may fall behind."},
                         at(&Config::buffer_ttl), 5s, 1h));
  all.push_back(count(
      {"Buffer", "PROXY_BUFFER_CHUNKS", "", "Maximum number of chunks of one stream in Redis."},
      at(&Config::buffer_chunks), 10, 100'000));
  all.push_back(
      size({"Buffer", "PROXY_BUFFER_BYTES", "", "Maximum size of one stream's chunks in Redis."},
           at(&Config::buffer_bytes), 1_MiB, std::size_t{64} << 30U));
  all.push_back(chunk_size_setting());
  all.push_back(duration({"Buffer", "PROXY_CHUNK_MAX_AGE", "",
                          "Age at which a chunk is passed on although it is not full."},
                         at(&Config::chunk_max_age), 10ms, 5s));
  all.push_back(duration(
      {"Buffer", "PROXY_JOIN_BURST", "", "Amount of media that a joining viewer gets at once."},
      at(&Config::join_burst), 0ms, 60s));
  all.push_back(
      duration({"Buffer", "PROXY_JOIN_MAX_BURST", "",
                "Maximum amount of that where PROXY_JOIN_BURST holds no key frame: the viewer "
                "begins with the last one. Limited by PROXY_BUFFER_TTL and 32 MiB."},
               at(&Config::join_max_burst), 0ms, 60s));
}

void add_client_settings(std::vector<Setting>& all) {
  all.push_back(duration({"Viewers", "PROXY_HEARTBEAT_INTERVAL", "",
                          "Interval at which a viewer's record in Redis is renewed."},
                         at(&Config::heartbeat_interval), 1s, 5min));
  all.push_back(
      count({"Viewers", "PROXY_GHOST_CLIENT_MULTIPLIER", "",
             "Number of heartbeats after which a viewer's record that is not renewed expires."},
            at(&Config::ghost_client_multiplier), 2, 100));
  all.push_back(duration({"Viewers", "PROXY_GRACE_PERIOD", "",
                          "Time that a stream goes on after its last viewer has left."},
                         at(&Config::grace_period), 0ms, 10min));
  all.push_back(duration({"Viewers", "PROXY_START_DELAY", "",
                          "Time that the first viewer must stay before an engine is asked. A probe "
                          "that leaves earlier starts nothing."},
                         at(&Config::start_delay), 0ms, 10s));
  all.push_back(duration({"Viewers", "PROXY_KEEPALIVE_INTERVAL", "",
                          "Interval of null packets to viewers while an engine is silent."},
                         at(&Config::keepalive_interval), 100ms, 60s));
  all.push_back(duration({"Viewers", "PROXY_STALLED_CLIENT_TIMEOUT", "",
                          "Time after which a viewer that takes no data is disconnected."},
                         at(&Config::stalled_client_timeout), 1s, 1h));
  all.push_back(count(
      {"Viewers", "PROXY_CLIENT_RATE_FACTOR", "",
       "Maximum rate of one viewer, in multiples of the stream's measured bitrate. 0: no limit."},
      at(&Config::client_rate_factor), 0, 1000));
  all.push_back(duration({"Viewers", "PROXY_CLIENT_RATE_BURST", "",
                          "Amount of media that a rate-limited viewer gets without limit; never "
                          "less than PROXY_JOIN_BURST."},
                         at(&Config::client_rate_burst), 1s, 10min));
  all.push_back(count({"Viewers", "PROXY_CLIENT_MAX_BITRATE", "",
                       "Maximum rate of one viewer in bits a second. 0: no limit."},
                      at(&Config::client_max_bitrate), 0, 100'000'000'000));
}

}  // namespace ace::config
