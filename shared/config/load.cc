#include "shared/config/load.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "shared/config/config_file.h"
#include "shared/config/redis_url.h"
#include "shared/config/settings.h"
#include "shared/config/value.h"
#include "shared/log/access_log.h"
#include "shared/log/line_output.h"

namespace ace::config {
namespace {

constexpr std::string_view kFileKey = "PROXY_CONFIG";
constexpr std::string_view kUrlKey = "REDIS_URL";

struct Given {
  std::string text;
  std::string origin;
};
using Values = std::map<std::string, Given>;

Error wrong_value(const Setting& setting, const Given& given, const Error& why) {
  const std::string_view shown = setting.is_secret ? "***" : std::string_view{given.text};
  const std::string detail = why.text.empty() ? "" : why.text + "; ";
  return {Errc::InvalidArgument, fmt::format("{}={} (from {}): {}allowed: {}", setting.key, shown,
                                             given.origin, detail, setting.allowed)};
}

Error unknown_key(const std::string& key, const std::string& path) {
  std::vector<std::string> names;
  for (const auto& setting : settings()) names.push_back(to_lower(setting.key));
  const auto meant = nearest(to_lower(key), names);
  const Setting* setting = meant ? find_setting(*meant) : nullptr;
  return {Errc::InvalidArgument,
          fmt::format("unknown setting {} (from file {}){}", key, path,
                      setting ? fmt::format("; did you mean {}?", setting->key) : "")};
}

Status add_file(const std::string& path, Values& values) {
  auto read = read_config_file(path);
  if (!read) return fail(std::move(read).error().in(fmt::format("config file {}", path)));
  for (const auto& [key, value] : *read) {
    const Setting* setting = find_setting(key);
    if (setting == nullptr) return fail(unknown_key(key, path));
    const auto [place, is_new] =
        values.emplace(setting->key, Given{.text = value, .origin = "file " + path});
    if (!is_new) {
      return fail(Errc::InvalidArgument, fmt::format("{} stands twice in file {}", key, path));
    }
  }
  return {};
}

/// One source's REDIS_URL is the settings that it stands for, as if they stood there themselves.
Status take_url_apart(Values& source) {
  const auto found = source.find(std::string{kUrlKey});
  if (found == source.end() || trim(found->second.text).empty()) return {};
  const auto& url = found->second;
  auto parts = parse_redis_url(url.text);
  if (!parts) return fail(wrong_value(*find_setting(kUrlKey), url, parts.error()));
  for (auto& [key, text] : *parts) {
    const auto [other, is_new] =
        source.emplace(key, Given{.text = std::move(text), .origin = url.origin});
    if (!is_new) {
      return fail(Errc::InvalidArgument,
                  fmt::format("{} (from {}) and {} (from {}) say the same thing: leave one out",
                              key, other->second.origin, kUrlKey, url.origin));
    }
  }
  return {};
}

/// Each later source overwrites the earlier ones.
Result<Values> collect(const CommandLine& line, const Environment& environment) {
  Values file;
  Values variables;
  Values flags;
  std::string path = line.config_file;
  if (path.empty()) path = environment(std::string{kFileKey}).value_or("");
  if (!path.empty()) {
    if (auto added = add_file(path, file); !added) return fail(std::move(added).error());
  }
  for (const auto& setting : settings()) {
    const std::string key{setting.key};
    if (auto text = environment(key)) {
      variables[key] = {.text = std::move(*text), .origin = "environment " + key};
    }
    if (const auto flag = line.values.find(key); flag != line.values.end()) {
      flags[key] = {.text = flag->second, .origin = "flag " + setting.flag()};
    }
  }
  Values values;
  for (auto* source : {&file, &variables, &flags}) {
    if (auto done = take_url_apart(*source); !done) return fail(std::move(done).error());
    for (auto& [key, given] : *source) values.insert_or_assign(key, std::move(given));
  }
  return values;
}

/// What was given, as wrong_value() shows it.
std::string shown(const Loaded& loaded, std::string_view key) {
  const Setting& setting = *find_setting(key);
  return fmt::format("{}={} (from {})", key, setting.is_secret ? "***" : setting.get(loaded.config),
                     loaded.origins.at(std::string{key}));
}

tl::unexpected<Error> unfit(const Loaded& loaded, std::string_view key, std::string_view why) {
  return fail(Errc::InvalidArgument, fmt::format("{}: {}", shown(loaded, key), why));
}

/// What no single range can say.
Status check_together(const Loaded& loaded) {
  const auto& config = loaded.config;
  if (config.buffer_bytes < 2 * config.buffer_chunk_size) {
    return unfit(loaded, "PROXY_BUFFER_BYTES",
                 "must hold two chunks of " + shown(loaded, "PROXY_BUFFER_CHUNK_SIZE"));
  }
  if (config.join_burst > config.buffer_ttl) {
    return unfit(loaded, "PROXY_JOIN_BURST",
                 "must not exceed " + shown(loaded, "PROXY_BUFFER_TTL"));
  }
  if (config.api_protects_reads && config.api_key.empty()) {
    return unfit(loaded, "PROXY_API_PROTECT_READS", "needs API_KEY, which is not set");
  }
  if (!config.redis.username.empty() && config.redis.password.empty()) {
    return unfit(loaded, "REDIS_USERNAME", "needs REDIS_PASSWORD, which is not set");
  }
  return {};
}

std::vector<std::string> secrets_of(const Config& config) {
  std::vector<std::string> secrets;
  for (const auto& secret : {config.api_key, config.redis.password}) {
    if (!secret.empty()) secrets.push_back(secret);
  }
  for (const auto& token : config.stream_tokens) secrets.push_back(token.token);
  return secrets;
}

}  // namespace

Environment process_environment() {
  return [](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr || *value == '\0') return std::nullopt;
    return std::string{value};
  };
}

Result<Loaded> load(const CommandLine& line, const Environment& environment) {
  auto values = collect(line, environment);
  if (!values) return fail(std::move(values).error());
  Loaded loaded;
  for (const auto& setting : settings()) {
    const std::string key{setting.key};
    const auto given = values->find(key);
    loaded.origins[key] = given == values->end() ? "default" : given->second.origin;
    if (given == values->end()) continue;
    if (auto done = setting.set(loaded.config, given->second.text); !done) {
      return fail(wrong_value(setting, given->second, done.error()));
    }
  }
  // Nobody means the engine that stands there by default when an orchestrator names them.
  const bool names_engines = loaded.origins["ACE_ENGINES"] != "default";
  if (!names_engines && !loaded.config.orchestrator_url.empty()) loaded.config.engines.clear();
  if (auto fits = check_together(loaded); !fits) return fail(std::move(fits).error());
  loaded.config.log.secrets = secrets_of(loaded.config);
  return loaded;
}

Status check_places(const Loaded& loaded) {
  const auto& log = loaded.config.log;
  for (const auto& [key, path] :
       {std::pair<std::string_view, std::string_view>{"PROXY_LOG_FILE", log.file},
        {"PROXY_ACCESS_LOG", log::access_file(log)}}) {
    const int error = path.empty() ? 0 : log::why_not_writable(std::string{path});
    if (error != 0) return unfit(loaded, key, Error::from_errno("cannot be opened", error).text);
  }
  return {};
}

std::string print_config(const Loaded& loaded) {
  std::string out;
  for (const auto& setting : settings()) {
    const auto value = setting.get(loaded.config);
    const auto& origin = loaded.origins.at(std::string{setting.key});
    const std::string_view shown =
        setting.is_secret && !value.empty() ? "***" : std::string_view{value};
    out += fmt::format("{} = \"{}\"  # {}\n", setting.key, shown, origin);
  }
  return out;
}

}  // namespace ace::config
