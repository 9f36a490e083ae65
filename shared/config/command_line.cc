#include "shared/config/command_line.h"

#include <fmt/format.h>

#include <array>
#include <deque>

#include <CLI/CLI.hpp>

#include "shared/config/settings.h"
#include "shared/config/value.h"

namespace ace::config {
namespace {

struct ActionFlag {
  Action action;
  std::string_view names;
  std::string_view sentence;
};

/// The first one that is given decides: --help wins over everything.
constexpr std::array kActions{
    ActionFlag{Action::Help, "-h, --help", "Print the most common settings and exit."},
    ActionFlag{Action::HelpAll, "--help-all", "Print every setting and exit."},
    ActionFlag{Action::Version, "-V, --version", "Print the version and exit."},
    ActionFlag{Action::PrintConfig, "--print-config",
               "Print every setting with its value and its source, and exit. Secrets are shown as "
               "***."},
    ActionFlag{Action::PrintEnvFile, "--print-env-file",
               "Print a settings file with every setting, commented out, and exit."},
    ActionFlag{Action::CheckConfig, "--check-config",
               "Check all settings and exit: 0 if they are valid, 2 if not."},
    ActionFlag{Action::RunSingleProcess, "--single-process",
               "Run one worker without a supervisor, for use in a debugger."}};

constexpr CommandFlag kConfigFlag{
    "--config FILE",
    "Read settings from FILE, and again on SIGHUP (reload). Environment: PROXY_CONFIG."};

/// CLI11's view of the table. The deque keeps each value where CLI11 was told to write it.
struct Parser {
  CLI::App app;
  std::deque<std::string> texts;
  std::vector<std::pair<const Setting*, CLI::Option*>> options;
  std::string config_file;
  std::vector<std::pair<Action, CLI::Option*>> actions;

  Parser() {
    app.set_help_flag();
    app.allow_extras();
    app.add_option("--config", config_file)->take_last();
    for (const auto& flag : kActions) {
      actions.emplace_back(flag.action, app.add_flag(std::string{flag.names}));
    }
    for (const auto& setting : settings()) add(setting);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void add(const Setting& setting) {
    std::string names = setting.flag();
    if (!setting.alias.empty()) names += fmt::format(",{}", setting.alias);
    auto* option = app.add_option(names, texts.emplace_back())->take_last();
    options.emplace_back(&setting, option);
  }

  [[nodiscard]] std::vector<std::string> flag_names() const {
    std::vector<std::string> names{"--config"};
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
    return {Errc::InvalidArgument, fmt::format("\"{}\" is not a flag; see --help", word)};
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
    break;
  }
  line.config_file = parser.config_file;
  for (std::size_t i = 0; i < parser.options.size(); ++i) {
    const auto& [setting, option] = parser.options[i];
    if (option->count() > 0) line.values.emplace(setting->key, parser.texts[i]);
  }
  return line;
}

std::vector<CommandFlag> command_flags() {
  std::vector<CommandFlag> flags;
  for (const auto& flag : kActions) flags.push_back({flag.names, flag.sentence});
  flags.push_back(kConfigFlag);
  return flags;
}

}  // namespace ace::config
