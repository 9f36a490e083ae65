#include "shared/config/command_line.h"

#include <fmt/format.h>

#include <deque>
#include <memory>

#include <CLI/CLI.hpp>

#include "shared/config/settings.h"
#include "shared/config/value.h"

namespace ace::config {
namespace {

std::string description(const Setting& setting) {
  const std::string fallback = setting.default_text.empty() ? "none" : setting.default_text;
  return fmt::format("{}\n{}; default {}; environment {}", setting.sentence, setting.allowed,
                     fallback, setting.key);
}

/// CLI11's view of the table. The deque keeps each value where CLI11 was told to write it.
struct Parser {
  CLI::App app{
      "Lets any number of viewers share one AceStream engine session.\n"
      "Every setting can also come from the environment or from a file of KEY = value lines;\n"
      "a flag wins over the environment, the environment over the file.",
      "ace-proxy"};
  std::deque<std::string> texts;
  std::vector<std::pair<const Setting*, CLI::Option*>> options;
  std::string config_file;
  std::vector<std::pair<Action, CLI::Option*>> actions;

  Parser() {
    app.set_help_flag();
    app.allow_extras();
    app.get_formatter()->column_width(36);
    app.get_formatter()->label("OPTIONS", "flags");
    app.add_option("--config", config_file,
                   "File with settings, read again on SIGHUP. Environment: PROXY_CONFIG.")
        ->type_name("FILE")
        ->take_last();
    add_action(Action::Help, "-h,--help", "Print this and leave.");
    add_action(Action::Version, "-V,--version", "Print the version and leave.");
    add_action(Action::PrintConfig, "--print-config",
               "Print every setting with its value and where it came from, and leave.");
    add_action(Action::PrintEnvFile, "--print-env-file",
               "Print an environment file with every setting, commented out, and leave.");
    add_action(Action::CheckConfig, "--check-config", "Check all settings and leave.");
    add_action(Action::RunSingleProcess, "--single-process",
               "Run one worker in this very process, for debuggers.");
    for (const auto& setting : settings()) add(setting);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void add_action(Action action, const std::string& names, const std::string& sentence) {
    actions.emplace_back(action, app.add_flag(names, sentence));
  }

  void add(const Setting& setting) {
    std::string names = setting.flag();
    if (!setting.alias.empty()) names += fmt::format(",{}", setting.alias);
    auto* option = app.add_option(names, texts.emplace_back(), description(setting));
    option->group(std::string{setting.group})->type_name(std::string{setting.unit})->take_last();
    options.emplace_back(&setting, option);
  }

  [[nodiscard]] std::vector<std::string> flag_names() const {
    std::vector<std::string> names{"--config", "--single-process"};
    for (const auto& [action, option] : actions)
      names.push_back("--" + option->get_lnames().front());
    for (const auto& [setting, option] : options) {
      for (const auto& name : option->get_lnames()) names.push_back("--" + name);
    }
    return names;
  }
};

Error unknown_flag(const Parser& parser, const std::string& word) {
  if (!word.starts_with('-')) {
    return {Errc::InvalidArgument,
            fmt::format("\"{}\" is not a flag; --help lists them all", word)};
  }
  const auto flag = word.substr(0, word.find('='));
  const auto meant = nearest(flag, parser.flag_names());
  return {Errc::InvalidArgument,
          fmt::format("unknown flag {}{}", flag,
                      meant ? fmt::format("; did you mean {}?", *meant) : "; see --help")};
}

}  // namespace

Result<CommandLine> parse_command_line(int argc, const char* const* argv) {
  Parser parser;
  try {
    parser.app.parse(argc, argv);
  } catch (const CLI::ParseError& wrong) {
    return fail(Errc::InvalidArgument, wrong.what());
  }
  if (const auto extra = parser.app.remaining(); !extra.empty()) {
    return fail(unknown_flag(parser, extra.front()));
  }
  CommandLine line;
  for (const auto& [action, option] : parser.actions) {
    if (option->count() == 0) continue;
    line.action = action;
    break;  // in the order of their declaration: --help wins over everything
  }
  line.config_file = parser.config_file;
  for (std::size_t i = 0; i < parser.options.size(); ++i) {
    const auto& [setting, option] = parser.options[i];
    if (option->count() > 0) line.values.emplace(setting->key, parser.texts[i]);
  }
  return line;
}

std::string help_text() { return Parser{}.app.help(); }

}  // namespace ace::config
