#include "shared/config/settings_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "shared/config/command_line.h"
#include "shared/config/settings.h"
#include "shared/config/value.h"

namespace ace::config {
namespace {

/// What a home user may have to change. A new setting is a rare one until it is named here.
constexpr std::array<std::string_view, 20> kCommon{"ACE_ENGINES",
                                                   "ACE_ORCHESTRATOR_URL",
                                                   "MAX_STREAMS_PER_ENGINE",
                                                   "PROXY_LISTEN",
                                                   "PROXY_WORKERS",
                                                   "PROXY_MAX_CLIENTS",
                                                   "PROXY_MEMORY_LIMIT",
                                                   "PROXY_ALLOW",
                                                   "PROXY_STREAM_TOKENS",
                                                   "API_KEY",
                                                   "PROXY_API_PROTECT_READS",
                                                   "PROXY_TRUSTED_PROXIES",
                                                   "REDIS_URL",
                                                   "REDIS_HOST",
                                                   "REDIS_PORT",
                                                   "REDIS_SOCKET",
                                                   "REDIS_PASSWORD",
                                                   "PROXY_LOG_LEVEL",
                                                   "PROXY_LOG_FILE",
                                                   "PROXY_ACCESS_LOG"};

constexpr std::string_view kSecretFlag =
    "As a flag it is visible to every local user in the list of processes.";

bool is_shown(const Setting& setting, HelpScope scope) {
  return scope == HelpScope::All || std::ranges::find(kCommon, setting.key) != kCommon.end();
}

std::size_t columns(std::string_view text) {
  const auto begins_character = [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  };
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

void add_lines(std::string& out, std::string_view indent, std::string_view text) {
  for (const auto& line : wrapped(text, kTextColumns - indent.size())) {
    out += fmt::format("{}{}\n", indent, line);
  }
}

/// "count, 1..32 or auto": the kind of value, and what is allowed.
std::string unit_and_range(const Setting& setting) {
  return fmt::format("{}, {}", setting.unit, setting.allowed);
}

void add_setting(std::string& out, const Setting& setting) {
  const auto alias = setting.alias.empty() ? std::string{} : fmt::format(", {}", setting.alias);
  out += fmt::format("  {}{}\n", setting.flag(), alias);
  add_lines(out, "      ", setting.sentence);
  if (setting.is_secret) add_lines(out, "      ", kSecretFlag);
  add_lines(out, "      ",
            fmt::format("{}; default {}; environment {}", unit_and_range(setting),
                        setting.default_text.empty() ? "none" : setting.default_text, setting.key));
}

constexpr std::string_view kIntroduction =
    "Usage: ace-proxy [flags]\n"
    "\n"
    "Lets any number of viewers share one AceStream engine session.\n"
    "\n"
    "Every setting can be a flag (--proxy-listen=:8000), an environment variable\n"
    "(PROXY_LISTEN=:8000) or a line of a file (PROXY_LISTEN=:8000, with --config).\n"
    "A flag wins over the environment, the environment wins over the file.\n"
    "Durations: 5 or 5s, 500ms, 2m, 1h. Sizes: 320KiB, 128MiB, 1GiB.\n";

}  // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  for (const auto word : split(text, ' ')) {
    if (word.empty()) continue;
    if (lines.empty() || columns(lines.back()) + 1 + columns(word) > width) {
      lines.emplace_back(word);
    } else {
      lines.back() += fmt::format(" {}", word);
    }
  }
  return lines;
}

std::string help_text(HelpScope scope) {
  std::string out{kIntroduction};
  out += "\nCommands\n\n";
  for (const auto& flag : command_flags()) {
    out += fmt::format("  {}\n", flag.names);
    add_lines(out, "      ", flag.sentence);
  }
  std::string_view group;
  for (const auto& setting : settings()) {
    if (!is_shown(setting, scope)) continue;
    if (setting.group != group) out += fmt::format("\n{}\n\n", setting.group);
    group = setting.group;
    add_setting(out, setting);
  }
  if (scope == HelpScope::Common) {
    out += fmt::format("\nThese are the most common settings. --help-all shows all {}.\n",
                       settings().size());
  }
  return out;
}

std::string env_file_text() {
  std::string out =
      "# Settings of ace-proxy. Remove the # in front of a line to change its value.\n"
      "# A flag wins over the environment, the environment wins over this file, which\n"
      "# is read with --config or PROXY_CONFIG (the systemd unit does that).\n"
      "# Durations: 5 or 5s, 500ms, 2m, 1h. Sizes: 320KiB, 128MiB, 1GiB.\n"
      "# Made by `ace-proxy --print-env-file`.\n";
  std::string_view group;
  for (const auto& setting : settings()) {
    if (setting.group != group) out += fmt::format("\n# --- {} ---\n", setting.group);
    group = setting.group;
    out += '\n';
    add_lines(out, "# ", setting.sentence);
    add_lines(out, "# ", unit_and_range(setting));
    out += fmt::format("#{}={}\n", setting.key, setting.default_text);
  }
  return out;
}

}  // namespace ace::config
