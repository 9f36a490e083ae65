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

Setting access_setting() {
  Setting setting = text({"Log", "PROXY_ACCESS_LOG", "",
                          "Where to log each finished answer, a stream with its bytes and the "
                          "reason why it ended. A file is opened again on SIGUSR1."},
                         "word", at(&Config::log, &log::Options::access));
  setting.unit = "word or path";
  setting.allowed = "off|stdout|stderr, or a path with a slash";
  setting.set = [set = setting.set](Config& config, std::string_view given) -> Status {
    const auto word = trim(given);
    const bool is_word = word == "off" || word == "stdout" || word == "stderr";
    if (!is_word && word.find('/') == std::string_view::npos) return not_allowed();
    return set(config, word);
  };
  return setting;
}

}  // namespace

void add_log_settings(std::vector<Setting>& all) {
  using log::AccessFormat;
  using log::Format;
  using log::Level;
  all.push_back(
      choice<Level>({"Log", "PROXY_LOG_LEVEL", "--log-level", "Least severe level that is logged."},
                    at(&Config::log, &log::Options::level),
                    {{"debug", Level::Debug},
                     {"info", Level::Info},
                     {"warn", Level::Warn},
                     {"error", Level::Error}}));
  all.push_back(choice<Format>({"Log", "PROXY_LOG_FORMAT", "--log-format",
                                "text: lines for people. json: one JSON object a line."},
                               at(&Config::log, &log::Options::format),
                               {{"text", Format::Text}, {"json", Format::Json}}));
  all.push_back(text({"Log", "PROXY_LOG_FILE", "--log-file",
                      "Log file, opened again on SIGUSR1. Empty: standard error."},
                     "path", at(&Config::log, &log::Options::file)));
  all.push_back(count({"Log", "PROXY_LOG_MOST_ALIKE", "",
                       "Maximum number of log lines of one kind that a process writes in ten "
                       "seconds; further ones are only counted. 0: no limit."},
                      at(&Config::log, &log::Options::most_alike), 0, 1'000'000));
  all.push_back(access_setting());
  all.push_back(
      size({"Log", "PROXY_ACCESS_LOG_SIZE", "",
            "Maximum size of the access log file. A full file is renamed to *.1, replacing an "
            "older one. 0: no limit, for use with logrotate."},
           at(&Config::log, &log::Options::access_bytes), 0, std::size_t{1024} * 1024_MiB));
  all.push_back(
      choice<AccessFormat>({"Log", "PROXY_ACCESS_LOG_FORMAT", "",
                            "combined: the format of Apache and nginx with further fields at the "
                            "end. json: one JSON object a line."},
                           at(&Config::log, &log::Options::access_format),
                           {{"combined", AccessFormat::Combined}, {"json", AccessFormat::Json}}));
}

}  // namespace ace::config
