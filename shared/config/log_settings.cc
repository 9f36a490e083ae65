#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/config/setting_kinds.h"
#include "shared/config/setting_tables.h"

namespace ace::config {
namespace {

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

}  // namespace

void add_log_settings(std::vector<Setting>& all) {
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

}  // namespace ace::config
