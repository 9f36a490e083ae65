#include "shared/config/variables.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "shared/config/settings.h"
#include "shared/config/value.h"

namespace ace::config {
namespace {

constexpr std::string_view kOurs = "PROXY_";
/// Programs of others have variables like these: only what is near to one of ours is told.
constexpr std::array<std::string_view, 3> kShared{"ACE_", "REDIS_", "MAX_STREAMS_"};
/// No settings, but known: the file of --config, and what an upgrade hands to the new program.
constexpr std::array<std::string_view, 2> kKnown{"PROXY_CONFIG", "ACE_PROXY_INHERITANCE"};
/// Of a name this long that a setting's name begins with, the rest was left out.
constexpr std::size_t kShortestBeginning = 8;

/// Where another container or service listens: `REDIS_PORT_6379_TCP`, `PROXY_SERVICE_HOST`.
bool is_service_link(std::string_view name, std::string_view value) {
  return name.find("_SERVICE_HOST") != std::string_view::npos ||
         name.find("_SERVICE_PORT") != std::string_view::npos ||
         name.find("_TCP") != std::string_view::npos ||
         name.find("_UDP") != std::string_view::npos || value.starts_with("tcp://") ||
         value.starts_with("udp://");
}

std::string to_upper(std::string_view text) {
  std::string upper{text};
  std::ranges::transform(upper, upper.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  return upper;
}

bool begins_as_one_of(std::string_view name, const auto& beginnings) {
  return std::ranges::any_of(beginnings,
                             [&](std::string_view begin) { return name.starts_with(begin); });
}

std::optional<std::string> meant_by(std::string_view name) {
  std::vector<std::string> keys;
  for (const auto& setting : settings()) keys.emplace_back(setting.key);
  if (auto near = nearest(name, keys)) return near;
  const auto begun = std::ranges::find_if(keys, [&](const std::string& key) {
    return name.size() >= kShortestBeginning && key.starts_with(name);
  });
  return begun == keys.end() ? std::nullopt : std::optional{*begun};
}

std::optional<std::string> complaint_about(std::string_view variable) {
  const auto name = variable.substr(0, variable.find('='));
  const auto value = name.size() < variable.size() ? variable.substr(name.size() + 1) : "";
  const auto upper = to_upper(name);
  const bool is_ours = upper.starts_with(kOurs);
  if (!is_ours && !begins_as_one_of(upper, kShared)) return std::nullopt;
  if (std::ranges::find(kKnown, name) != kKnown.end() || is_service_link(name, value)) {
    return std::nullopt;
  }
  const auto* setting = find_setting(upper);
  if (setting != nullptr && setting->key == name) return std::nullopt;
  if (const auto meant = meant_by(upper)) {
    return fmt::format("variable={:?}: there is no such setting; did you mean {}?", name, *meant);
  }
  if (!is_ours) return std::nullopt;
  return fmt::format("variable={:?}: there is no such setting", name);
}

}  // namespace

std::vector<std::string> unknown_variables(const std::vector<std::string_view>& variables) {
  std::vector<std::string> complaints;
  for (const auto variable : variables) {
    if (auto complaint = complaint_about(variable)) complaints.push_back(std::move(*complaint));
  }
  return complaints;
}

std::vector<std::string_view> process_variables() {
  std::vector<std::string_view> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  return variables;
}

}  // namespace ace::config
