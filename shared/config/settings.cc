#include "shared/config/settings.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>

#include "shared/config/value.h"

namespace ace::config {
namespace {

constexpr unsigned kMostWorkers = 32;

/// Reaches one member of a Config, const or not.
template <class Value>
auto at(Value Config::*member) {
  return [member](auto& config) -> auto& { return config.*member; };
}
template <class Part, class Value>
auto at(Part Config::*part, Value Part::*member) {
  return [ part, member ](auto& config) -> auto& { return (config.*part).*member; };
}

struct Names {
  std::string_view group;
  std::string_view key;
  std::string_view alias;
  std::string_view sentence;
};

tl::unexpected<Error> not_allowed() { return fail(Errc::InvalidArgument, {}); }

Setting named(const Names& names) {
  Setting setting;
  setting.group = names.group;
  setting.key = names.key;
  setting.alias = names.alias;
  setting.sentence = names.sentence;
  return setting;
}

Setting finished(Setting setting) {
  setting.default_text = setting.get(Config{});
  return setting;
}

template <class Member>
Setting duration(const Names& names, Member member, milliseconds least, milliseconds most) {
  Setting setting = named(names);
  setting.unit = "duration";
  setting.allowed = format_duration(least) + ".." + format_duration(most);
  setting.set = [=](Config& config, std::string_view text) -> Status {
    const auto value = parse_duration(text);
    if (!value || *value < least || *value > most) return not_allowed();
    member(config) = *value;
    return {};
  };
  setting.get = [=](const Config& config) { return format_duration(member(config)); };
  return finished(std::move(setting));
}

template <class Member>
Setting size(const Names& names, Member member, std::size_t least, std::size_t most) {
  Setting setting = named(names);
  setting.unit = "size";
  setting.allowed = format_size(least) + ".." + format_size(most);
  setting.set = [=](Config& config, std::string_view text) -> Status {
    const auto value = parse_size(text);
    if (!value || *value < least || *value > most) return not_allowed();
    member(config) = *value;
    return {};
  };
  setting.get = [=](const Config& config) { return format_size(member(config)); };
  return finished(std::move(setting));
}

template <class Member>
Setting count(const Names& names, Member member, std::uint64_t least, std::uint64_t most) {
  using Value = std::decay_t<decltype(member(std::declval<Config&>()))>;
  Setting setting = named(names);
  setting.unit = "count";
  setting.allowed = fmt::format("{}..{}", least, most);
  setting.set = [=](Config& config, std::string_view text) -> Status {
    const auto value = parse_number(trim(text));
    if (!value || *value < least || *value > most) return not_allowed();
    member(config) = static_cast<Value>(*value);
    return {};
  };
  setting.get = [=](const Config& config) { return fmt::format("{}", member(config)); };
  return finished(std::move(setting));
}

enum class Secrecy { Public, Secret };

template <class Member>
Setting text(const Names& names, std::string_view unit, Member member,
             Secrecy secrecy = Secrecy::Public) {
  Setting setting = named(names);
  setting.unit = unit;
  setting.allowed = "one line of text";
  setting.is_secret = secrecy == Secrecy::Secret;
  setting.set = [=](Config& config, std::string_view value) -> Status {
    // Control characters would end up in an AUTH command, a header or a path by mistake only.
    const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20; };
    if (std::any_of(value.begin(), value.end(), is_control)) return not_allowed();
    member(config) = std::string{value};
    return {};
  };
  setting.get = [=](const Config& config) { return member(config); };
  return finished(std::move(setting));
}

template <class Value, class Member>
Setting choice(const Names& names, Member member,
               std::vector<std::pair<std::string_view, Value>> values) {
  Setting setting = named(names);
  setting.unit = "word";
  for (const auto& [word, value] : values) {
    setting.allowed += setting.allowed.empty() ? "" : "|";
    setting.allowed += word;
  }
  setting.set = [=](Config& config, std::string_view text) -> Status {
    const auto wanted = to_lower(trim(text));
    for (const auto& [word, value] : values) {
      if (word != wanted) continue;
      member(config) = value;
      return {};
    }
    return not_allowed();
  };
  setting.get = [=](const Config& config) -> std::string {
    for (const auto& [word, value] : values) {
      if (value == member(config)) return std::string{word};
    }
    return {};
  };
  return finished(std::move(setting));
}

template <class Member, class Parse>
Setting address_list(const Names& names, std::string_view allowed, Member member, Parse parse) {
  Setting setting = named(names);
  setting.unit = "addresses";
  setting.allowed = allowed;
  setting.is_list = true;
  setting.set = [=](Config& config, std::string_view text) -> Status {
    auto items = parse(text);
    if (!items) return fail(std::move(items).error());
    if (items->empty()) return not_allowed();
    member(config) = std::move(*items);
    return {};
  };
  setting.get = [=](const Config& config) {
    std::string all;
    for (const auto& item : member(config)) all += (all.empty() ? "" : ",") + item.text();
    return all;
  };
  return finished(std::move(setting));
}

Setting workers_setting() {
  Setting setting = count({"Server", "PROXY_WORKERS", "--workers",
                           "Worker processes. auto: one for each core this process may use."},
                          at(&Config::workers), 1, kMostWorkers);
  setting.allowed += " or auto";
  setting.set = [set = setting.set](Config& config, std::string_view text) -> Status {
    if (to_lower(trim(text)) != "auto") return set(config, text);
    config.workers = workers_for_this_host();
    return {};
  };
  setting.default_text = "auto";  // the number differs from host to host
  return setting;
}

Setting host_name_setting() {
  Setting setting =
      text({"Server", "PROXY_HOST_NAME", "",
            "Name of this host among all that share a Redis; empty: the system's. Containers may "
            "have equal ones: give each its own."},
           "name", at(&Config::host_name));
  setting.allowed = "letters, digits, '.', '-' and '_', at most 64";
  setting.set = [](Config& config, std::string_view value) -> Status {
    const auto name = trim(value);
    const auto is_allowed = [](unsigned char c) {
      return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
    };
    if (name.size() > 64 || !std::all_of(name.begin(), name.end(), is_allowed)) {
      return not_allowed();
    }
    config.host_name = name.empty() ? system_host_name() : std::string{name};
    return {};
  };
  setting.default_text = "";  // it differs from host to host
  return setting;
}

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

using Table = std::vector<Setting>;

void add_server(Table& all) {
  all.push_back(address_list(
      {"Server", "PROXY_LISTEN", "--listen",
       "Where to listen; a comma list. Port 0 lets the kernel choose (see PROXY_PORT_FILE)."},
      "host:port, [v6]:port or unix:/path", at(&Config::listen), parse_listen_list));
  all.push_back(workers_setting());
  all.push_back(host_name_setting());
  all.push_back(count({"Server", "PROXY_MAX_CLIENTS", "--max-clients",
                       "Most viewers on this host; the next one is told 503. 0: no limit."},
                      at(&Config::max_clients), 0, 1'000'000));
  all.push_back(text({"Server", "API_KEY", "",
                      "Key that clients of the control interface must show. Empty: open."},
                     "text", at(&Config::api_key), Secrecy::Secret));
  all.push_back(text({"Server", "PROXY_PORT_FILE", "",
                      "File that lists the bound addresses once every worker is ready."},
                     "path", at(&Config::port_file)));
  all.push_back(duration({"Server", "PROXY_SHUTDOWN_TIMEOUT", "",
                          "Time that viewers get to receive what is buffered when stopping."},
                         at(&Config::shutdown_timeout), 0ms, 1h));
  all.push_back(duration(
      {"Server", "PROXY_HEADER_TIMEOUT", "", "Time that a client has to send its whole request."},
      at(&Config::header_timeout), 100ms, 5min));
  all.push_back(duration({"Server", "PROXY_IDLE_TIMEOUT", "",
                          "Time that an idle connection is kept for its next request."},
                         at(&Config::idle_timeout), 100ms, 1h));
}

void add_engines(Table& all) {
  all.push_back(address_list({"Engines", "ACE_ENGINES", "--engines",
                              "The AceStream engines; a comma list. After each, as wanted: ;name=… "
                              ";forwarded ;max_streams=N."},
                             "host:port with optional ;name=…;forwarded;max_streams=N",
                             at(&Config::engines), parse_engine_list));
  // The ancestor allowed 3. With one engine that refuses the fourth channel although the engine
  // would play it; only its owner knows what it can bear.
  all.push_back(count({"Engines", "MAX_STREAMS_PER_ENGINE", "",
                       "Most streams at a time on one engine that sets none itself. 0: no limit."},
                      at(&Config::max_streams_per_engine), 0, 10'000));
  all.push_back(duration(
      {"Engines", "PROXY_ENGINE_CONNECT_TIMEOUT", "", "Time for one TCP connect to an engine."},
      at(&Config::engine_connect_timeout), 50ms, 30s));
  all.push_back(duration(
      {"Engines", "PROXY_ENGINE_JSON_TIMEOUT", "", "Time for an engine's answer to a command."},
      at(&Config::engine_json_timeout), 500ms, 5min));
  all.push_back(duration({"Engines", "PROXY_ENGINE_FIRST_BYTE_TIMEOUT", "",
                          "Time for the first media of a new session."},
                         at(&Config::engine_first_byte_timeout), 500ms, 10min));
  all.push_back(duration({"Engines", "PROXY_CONNECTION_TIMEOUT", "",
                          "Silence after which a playing engine counts as unhealthy."},
                         at(&Config::connection_timeout), 500ms, 5min));
}

void add_redis(Table& all) {
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

void add_buffer(Table& all) {
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

void add_clients(Table& all) {
  all.push_back(duration({"Clients", "PROXY_HEARTBEAT_INTERVAL", "",
                          "How often a client's record in Redis is renewed."},
                         at(&Config::heartbeat_interval), 1s, 5min));
  all.push_back(count({"Clients", "PROXY_GHOST_CLIENT_MULTIPLIER", "",
                       "Heartbeats that a record may miss before it is gone."},
                      at(&Config::ghost_client_multiplier), 2, 100));
  all.push_back(duration({"Clients", "PROXY_GRACE_PERIOD", "",
                          "How long a stream goes on after its last client has left."},
                         at(&Config::grace_period), 0ms, 10min));
  all.push_back(duration({"Clients", "PROXY_KEEPALIVE_INTERVAL", "",
                          "Interval of null packets while an engine is silent."},
                         at(&Config::keepalive_interval), 100ms, 60s));
  all.push_back(duration({"Clients", "PROXY_STALLED_CLIENT_TIMEOUT", "",
                          "A client that has taken nothing for so long is closed."},
                         at(&Config::stalled_client_timeout), 1s, 1h));
}

void add_log(Table& all) {
  using log::Format;
  using log::Level;
  all.push_back(choice<Level>({"Log", "PROXY_LOG_LEVEL", "--log-level", "What is worth a line."},
                              at(&Config::log, &log::Options::level),
                              {{"debug", Level::Debug},
                               {"info", Level::Info},
                               {"warn", Level::Warn},
                               {"error", Level::Error}}));
  all.push_back(choice<Format>(
      {"Log", "PROXY_LOG_FORMAT", "--log-format", "Lines for people, or one JSON object a line."},
      at(&Config::log, &log::Options::format), {{"text", Format::Text}, {"json", Format::Json}}));
  all.push_back(text({"Log", "PROXY_LOG_FILE", "--log-file",
                      "Log file; opened again on SIGUSR1. Empty: standard error."},
                     "path", at(&Config::log, &log::Options::file)));
}

Table make_settings() {
  Table all;
  add_server(all);
  add_engines(all);
  add_redis(all);
  add_buffer(all);
  add_clients(all);
  add_log(all);
  return all;
}

std::string canonical(std::string_view name) {
  while (name.starts_with('-')) name.remove_prefix(1);
  std::string key = to_lower(name);
  std::replace(key.begin(), key.end(), '-', '_');
  return key;
}

}  // namespace

unsigned workers_for_this_host() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  return std::clamp(static_cast<unsigned>(CPU_COUNT(&mask)), 1U, kMostWorkers);
}

std::string system_host_name() {
  std::array<char, 256> name{};
  if (::gethostname(name.data(), name.size() - 1) != 0) return "localhost";
  return name.data();
}

std::string Setting::flag() const {
  std::string out = "--" + to_lower(key);
  std::replace(out.begin(), out.end(), '_', '-');
  return out;
}

const std::vector<Setting>& settings() {
  static const std::vector<Setting> table = make_settings();
  return table;
}

const Setting* find_setting(std::string_view name) {
  const auto wanted = canonical(name);
  const auto& table = settings();
  const auto found = std::find_if(table.begin(), table.end(), [&](const Setting& setting) {
    return canonical(setting.key) == wanted ||
           (!setting.alias.empty() && canonical(setting.alias) == wanted);
  });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace ace::config
