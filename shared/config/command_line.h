#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

namespace ace::config {

/// What the program was called for.
enum class Action {
  Run,
  RunSingleProcess,
  Help,
  HelpAll,
  Version,
  PrintConfig,
  PrintEnvFile,
  CheckConfig
};

/// The command line, taken apart but not yet judged: values are checked by load(), which sees all
/// sources. Kept for the life of the process, since a reload reads the file again under it.
struct CommandLine {
  Action action{Action::Run};
  std::string config_file;                    ///< --config; empty: PROXY_CONFIG, or none
  std::map<std::string, std::string> values;  ///< key (PROXY_WORKERS) → text
};

/// InvalidArgument with one line that names the flag, and the one that was probably meant.
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, const char* const* argv);

/// A flag that is no setting, as --help shows it.
struct CommandFlag {
  std::string_view names;  ///< "-h, --help"
  std::string_view sentence;
};
[[nodiscard]] std::vector<CommandFlag> command_flags();

}  // namespace ace::config
