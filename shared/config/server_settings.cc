#include <fmt/format.h>

#include <cctype>

#include "shared/config/setting_kinds.h"
#include "shared/config/setting_tables.h"

namespace ace::config {
namespace {

Setting workers_setting() {
  Setting setting = count({"Server", "PROXY_WORKERS", "--workers",
                           "Number of worker processes. auto: one for each CPU core that this "
                           "process may use (affinity and CPU quota of the container or unit "
                           "count), at most 32."},
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

Setting memory_limit_setting() {
  Setting setting = named(
      {"Server", "PROXY_MEMORY_LIMIT", "",
       "Memory limit of all workers together. Where it is short, buffers are shortened; above "
       "nine tenths of it new viewers get 503. auto: the memory limit of the container or systemd "
       "unit. 0: no limit."});
  setting.unit = "size";
  setting.allowed = "auto, or 0..1TiB";
  setting.set = [](Config& config, std::string_view text) -> Status {
    config.memory_limit.reset();
    if (to_lower(trim(text)) == "auto") return {};
    config.memory_limit = parse_size(text);
    if (!config.memory_limit || *config.memory_limit > 1024 * 1024_MiB) return not_allowed();
    return {};
  };
  setting.get = [](const Config& config) {
    return config.memory_limit ? format_size(*config.memory_limit) : std::string{"auto"};
  };
  return finished(std::move(setting));
}

Setting host_name_setting() {
  Setting setting =
      text({"Server", "PROXY_HOST_NAME", "",
            "Name of this host; it must differ between all hosts that share a Redis. Empty: the "
            "system's host name. Containers may share one: give each its own."},
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

Setting stream_tokens_setting() {
  Setting setting = named({"Access", "PROXY_STREAM_TOKENS", "",
                           "Tokens for playlists, separated by commas. If any is set, a request "
                           "for a stream needs &token=TOKEN in its address. Logs show the name, "
                           "never the token. Empty: no token is needed."});
  setting.unit = "tokens";
  setting.allowed = "name:token, each token 8 to 128 letters, digits and -._~";
  setting.is_secret = true;
  setting.is_list = true;
  setting.set = [](Config& config, std::string_view text) -> Status {
    auto tokens = parse_stream_tokens(text);
    if (!tokens) return fail(std::move(tokens).error());
    config.stream_tokens = std::move(*tokens);
    return {};
  };
  setting.get = [](const Config& config) { return text_of(config.stream_tokens); };
  return finished(std::move(setting));
}

Setting allowed_hosts_setting() {
  Setting setting = named({"Access", "PROXY_ALLOWED_HOSTS", "",
                           "Host names under which this proxy is reached, separated by commas. "
                           "Without API_KEY, POST and DELETE are refused under any other name. "
                           "Addresses, localhost and PROXY_HOST_NAME are always allowed."});
  setting.unit = "names";
  setting.allowed = "host names without a port";
  setting.is_list = true;
  setting.set = [](Config& config, std::string_view text) -> Status {
    std::vector<std::string> names;
    for (const auto name : split(text, ',')) {
      const auto is_allowed = [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_';
      };
      if (!std::all_of(name.begin(), name.end(), is_allowed)) return not_allowed();
      if (!name.empty()) names.emplace_back(name);
    }
    config.allowed_hosts = std::move(names);
    return {};
  };
  setting.get = [](const Config& config) {
    return fmt::format("{}", fmt::join(config.allowed_hosts, ","));
  };
  return finished(std::move(setting));
}

/// A blank at either end is a slip: a header's value ends before its blanks, so nobody could show
/// such a key.
Setting api_key_setting() {
  Setting setting =
      text({"Access", "API_KEY", "",
            "Key that every POST and DELETE needs (Authorization: Bearer KEY). Empty: "
            "anybody who reaches the port may end streams and add engines."},
           "text", at(&Config::api_key), Secrecy::Secret);
  setting.set = [set = setting.set](Config& config, std::string_view given) -> Status {
    if (trim(given) == given) return set(config, given);
    return fail(Errc::InvalidArgument, "it begins or ends with a blank, which no client can send");
  };
  return setting;
}

}  // namespace

void add_server_settings(std::vector<Setting>& all) {
  all.push_back(address_list(
      {"Server", "PROXY_LISTEN", "--listen",
       "Addresses to listen on, separated by commas. :8000 is every IPv4 and "
       "IPv6 address. With port 0 the kernel chooses a free port (see "
       "PROXY_PORT_FILE)."},
      ":port, host:port, [v6]:port or unix:/path", at(&Config::listen), parse_listen_list));
  all.push_back(workers_setting());
  all.push_back(host_name_setting());
  all.push_back(
      count({"Server", "PROXY_MAX_CLIENTS", "--max-clients",
             "Maximum number of viewers on this host; further ones get 503. 0: no limit."},
            at(&Config::max_clients), 0, 1'000'000));
  all.push_back(count(
      {"Server", "PROXY_MAX_CLIENTS_PER_STREAM", "",
       "Maximum number of viewers of one stream on this host; further ones get 503. 0: no limit."},
      at(&Config::max_clients_per_stream), 0, 1'000'000));
  all.push_back(count({"Server", "PROXY_MAX_STARTS_PER_ADDRESS", "",
                       "Streams that one viewer's address (of IPv6: its /64 network) may be "
                       "starting at once on this host; further ones get 503. Streams that run, or "
                       "have played here before, do not count. 0: no limit."},
                      at(&Config::max_starts_per_address), 0, 1'000'000));
  all.push_back(memory_limit_setting());
  all.push_back(text({"Server", "PROXY_PORT_FILE", "",
                      "File to write the bound addresses to, one a line, once every worker is "
                      "ready. Empty: none."},
                     "path", at(&Config::port_file)));
  all.push_back(duration({"Server", "PROXY_SHUTDOWN_TIMEOUT", "",
                          "When stopping, time for viewers to receive what is buffered."},
                         at(&Config::shutdown_timeout), 0ms, 1h));
  all.push_back(duration(
      {"Server", "PROXY_HEADER_TIMEOUT", "", "Time for a client to send its whole request."},
      at(&Config::header_timeout), 100ms, 5min));
  all.push_back(duration({"Server", "PROXY_IDLE_TIMEOUT", "",
                          "Time that an idle connection is kept open for its next request."},
                         at(&Config::idle_timeout), 100ms, 1h));
}

void add_access_settings(std::vector<Setting>& all) {
  all.push_back(ip_set({"Access", "PROXY_ALLOW", "",
                        "Addresses and networks that may watch, separated by commas; others get "
                        "403. Empty: everybody."},
                       at(&Config::allow)));
  all.push_back(stream_tokens_setting());
  all.push_back(api_key_setting());
  all.push_back(allowed_hosts_setting());
  all.push_back(flag({"Access", "PROXY_API_PROTECT_READS", "",
                      "Also require API_KEY for reading (GET /streams, /engines, /metrics and the "
                      "like). Streams, /healthz and /readyz never need it."},
                     at(&Config::api_protects_reads)));
  all.push_back(ip_set({"Access", "PROXY_TRUSTED_PROXIES", "",
                        "Addresses of your reverse proxies, separated by commas. X-Forwarded-For "
                        "is believed from these only. Empty: none."},
                       at(&Config::trusted_proxies)));
}

}  // namespace ace::config
