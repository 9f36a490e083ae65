#include "workers/main/program.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "coordinator/supervisor/service.h"
#include "shared/config/load.h"
#include "shared/config/settings_text.h"
#include "shared/config/variables.h"
#include "shared/os/process_tuning.h"

namespace ace {
namespace {

using config::Action;

constexpr int kWrongUse = 2;

int print(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : 1;
}

int refuse(const Error& why) {
  std::fprintf(stderr, "ace-proxy: %s\n", why.text.c_str());
  return kWrongUse;
}

void add_warnings(config::Config& config) {
  auto unknown = config::unknown_variables(config::process_variables());
  std::ranges::move(unknown, std::back_inserter(config.warnings));
}

/// Where there is something to hide. Without, a dump of a worker that died is worth having.
void guard_secrets(const config::Config& config) {
  if (!config.log.secrets.empty()) os::forbid_core_dumps();
}

supervisor::Service service_of(std::vector<std::string> arguments, const config::CommandLine& line,
                               config::Config config, const supervisor::WorkerMain& worker_main) {
  auto reload = [line]() -> Result<config::Config> {
    auto loaded = config::load(line, config::process_environment());
    if (!loaded) return fail(std::move(loaded).error());
    guard_secrets(loaded->config);
    add_warnings(loaded->config);
    return std::move(loaded->config);
  };
  return {.arguments = std::move(arguments),
          .config = std::move(config),
          .reload = std::move(reload),
          .worker_main = worker_main};
}

int check(config::Loaded loaded) {
  add_warnings(loaded.config);
  for (const auto& warning : loaded.config.warnings) {
    std::fprintf(stderr, "ace-proxy: warning: %s\n", warning.c_str());
  }
  const auto fits = config::check_places(loaded);
  return fits ? print("config ok\n") : refuse(fits.error());
}

int act(std::vector<std::string> arguments, const config::CommandLine& line, config::Loaded loaded,
        const supervisor::WorkerMain& worker_main) {
  if (line.action == Action::PrintConfig) return print(config::print_config(loaded));
  if (line.action == Action::CheckConfig) return check(std::move(loaded));
  guard_secrets(loaded.config);
  add_warnings(loaded.config);
  os::raise_descriptor_limit();
  os::ignore_broken_pipes();
  auto service = service_of(std::move(arguments), line, std::move(loaded.config), worker_main);
  if (line.action == Action::RunSingleProcess) return supervisor::run_single_process(service);
  return supervisor::run(std::move(service));
}

}  // namespace

int run_program(int argc, const char* const* argv, const supervisor::WorkerMain& worker_main) {
  const auto line = config::parse_command_line(argc, argv);
  if (!line) return refuse(line.error());
  if (line->action == Action::Help) return print(config::help_text(config::HelpScope::Common));
  if (line->action == Action::HelpAll) return print(config::help_text(config::HelpScope::All));
  if (line->action == Action::Version) return print("ace-proxy " ACE_VERSION "\n");
  if (line->action == Action::PrintEnvFile) return print(config::env_file_text());
  auto loaded = config::load(*line, config::process_environment());
  if (!loaded) return refuse(loaded.error());
  return act({argv, argv + argc}, *line, std::move(*loaded), worker_main);
}

}  // namespace ace
