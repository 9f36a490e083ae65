#include <fmt/format.h>

#include <cstdlib>
#include <exception>

#include <CLI/CLI.hpp>

#include "tests/stress/company.h"
#include "tests/stress/soak.h"

namespace {

struct Settings {
  ace::stress::Company company;
  ace::stress::Soak soak;
};

void add_company_options(CLI::App& app, ace::stress::Company& company) {
  app.add_option("--viewers", company.viewers, "that watch meanwhile")
      ->check(CLI::Range(1, 5000))
      ->capture_default_str();
  app.add_option("--connections", company.connections, "of wrk")
      ->check(CLI::Range(1, 5000))
      ->capture_default_str();
  app.add_option("--workers", company.workers, "of the proxy")
      ->check(CLI::Range(1, 32))
      ->capture_default_str();
  app.add_option_function<int>(
      "--seconds", [&](int s) { company.each = std::chrono::seconds{s}; },
      "how long each run of wrk takes (5)");
  app.add_option("--pairs", company.pairs, "runs against the proxy and against nginx")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
}

void add_soak_options(CLI::App& app, ace::stress::Soak& soak) {
  app.add_option_function<int>(
         "--minutes", [&](int m) { soak.duration = std::chrono::minutes{m}; }, "how long (5)")
      ->check(CLI::Range(1, 24 * 60));
  app.add_option("--seed", soak.seed, "of all that is left to chance (0: another each time)")
      ->capture_default_str();
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app{"Puts ace-proxy under load, and tells what its viewers saw"};
  Settings settings;
  app.require_subcommand(1);
  auto* api = app.add_subcommand("api", "wrk asks for pages, beside viewers");
  add_company_options(*api, settings.company);
  auto* streams = app.add_subcommand("streams", "wrk plays streams, beside viewers");
  add_company_options(*streams, settings.company);
  auto* soak = app.add_subcommand("soak", "viewers zap, engines fail, workers die, for minutes");
  add_soak_options(*soak, settings.soak);
  CLI11_PARSE(app, argc, argv);
  try {
    std::size_t violations = 0;
    if (api->parsed()) violations = load_api(settings.company);
    if (streams->parsed()) violations = load_streams(settings.company);
    if (soak->parsed()) violations = ace::stress::soak(settings.soak);
    fmt::print("{} violations\n", violations);
    return violations == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    fmt::print(stderr, "ace-stress: {}\n", error.what());
    return EXIT_FAILURE;
  }
}
