#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <stdio.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include "shared/log/log.h"
#include "shared/loop/loop.h"
#include "tests/engine_sim/ffmpeg_source.h"
#include "tests/engine_sim/numbered_source.h"
#include "tests/engine_sim/simulator.h"
#include "tests/engine_sim/stdin_watch.h"

namespace {

using namespace ace;

struct Settings {
  sim::SimulatorOptions simulator;
  std::string source{"auto"};
  std::uint64_t bitrate{8'000'000};
  unsigned key_interval{1};
  std::string port_file;
  std::string control_file;
  bool exit_on_stdin_eof{false};
};

void declare_flags(CLI::App& app, Settings& settings) {
  auto& engine = settings.simulator.engine;
  app.add_option("--engine", settings.simulator.engines,
                 "an engine's HOST:PORT (IPv4; port 0: any free one); repeat for several")
      ->type_name("HOST:PORT");
  app.add_option("--port-file", settings.port_file,
                 "write host:port of each engine here, one a line, once all listen");
  app.add_option("--control", settings.simulator.control,
                 "answer /sim/ here too, untouched by faults")
      ->type_name("HOST:PORT");
  app.add_option("--control-file", settings.control_file, "write host:port of --control here");
  app.add_option("--source", settings.source, "what streams show")
      ->check(CLI::IsMember({"auto", "ffmpeg", "numbered"}))
      ->capture_default_str();
  app.add_option("--bitrate", settings.bitrate, "of numbered streams, bits a second")
      ->check(CLI::Range(std::uint64_t{32'000}, std::uint64_t{1'000'000'000}))
      ->capture_default_str();
  app.add_option("--key-interval", settings.key_interval, "of numbered streams, seconds")
      ->check(CLI::Range(1U, 3600U))
      ->capture_default_str();
  const auto milliseconds = [&](const char* flag, std::chrono::milliseconds& value,
                                const char* help) {
    app.add_option_function<unsigned>(
           flag, [&value](unsigned ms) { value = std::chrono::milliseconds{ms}; }, help)
        ->type_name("MS");
  };
  milliseconds("--start-delay-ms", engine.start_delay, "before getstream answers");
  milliseconds("--prebuffer-ms", engine.prebuffer, "from then until the playback url answers");
  milliseconds("--session-linger-ms", engine.session_linger,
               "how long a session lives that nobody reads (10000)");
  app.add_flag_callback(
      "--chunked", [&engine] { engine.framing = sim::BodyFraming::Chunked; },
      "playback in chunked coding instead of until the connection closes");
  app.add_flag("--exit-on-stdin-eof", settings.exit_on_stdin_eof,
               "stop when standard input ends: when whoever started this is gone");
}

Result<sim::SourceFactory> choose_source(loop::Loop& loop, const Settings& settings) {
  const auto program = sim::find_ffmpeg();
  if (settings.source == "ffmpeg" && program.empty()) {
    return fail(Errc::NotFound, "--source ffmpeg: there is no ffmpeg in PATH");
  }
  if (settings.source == "numbered" || program.empty()) {
    return [bitrate = settings.bitrate,
            keys = std::chrono::seconds{settings.key_interval}](const std::string& infohash) {
      return std::make_unique<sim::NumberedSource>(infohash, bitrate, keys);
    };
  }
  return [&loop, program](const std::string& infohash) {
    return std::make_unique<sim::FfmpegSource>(loop, program, infohash);
  };
}

/// Whoever waits for the file never sees half of it.
Status write_atomically(const std::string& path, const std::string& text) {
  if (path.empty()) return {};
  const auto draft = path + ".new";
  std::ofstream file{draft, std::ios::trunc};
  file << text;
  file.close();
  if (!file || ::rename(draft.c_str(), path.c_str()) != 0) {
    return fail(Error::from_errno(path, errno));
  }
  return {};
}

/// Ends the loop at SIGTERM and SIGINT.
class StopSignals {
 public:
  explicit StopSignals(loop::Loop& loop) {
    for (const int number : {SIGTERM, SIGINT}) {
      auto handle = std::make_unique<uv_signal_t>();
      uv_signal_init(loop.raw(), handle.get());
      handle->data = &loop;
      uv_signal_start(
          handle.get(),
          [](uv_signal_t* signal, int) { static_cast<loop::Loop*>(signal->data)->stop(); }, number);
      handles_.emplace_back(handle.release());
    }
  }

 private:
  std::vector<loop::UvPtr<uv_signal_t>> handles_;
};

Status serve(const Settings& settings) {
  loop::Loop loop;
  std::unique_ptr<sim::StdinWatch> stdin_watch;
  if (settings.exit_on_stdin_eof) {
    stdin_watch = std::make_unique<sim::StdinWatch>(loop, [&loop] { loop.stop(); });
  }
  auto source = choose_source(loop, settings);
  if (!source) return fail(std::move(source).error());
  sim::Simulator simulator{loop, settings.simulator, *source};
  if (auto status = simulator.listen(); !status) return status;
  const StopSignals signals{loop};
  const auto control = simulator.control_address() + "\n";
  if (auto status = write_atomically(settings.control_file, control); !status) return status;
  if (auto status = write_atomically(settings.port_file, simulator.engine_addresses()); !status) {
    return status;
  }
  auto addresses = simulator.engine_addresses();
  std::ranges::replace(addresses, '\n', ' ');
  log::info("engines_ready", "source={} addresses={}", settings.source, addresses);
  loop.run();
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  // A closed standard input must not become the number of a socket.
  if (::fcntl(STDIN_FILENO, F_GETFD) < 0 && ::open("/dev/null", O_RDONLY) != STDIN_FILENO) return 1;
  ::signal(SIGPIPE, SIG_IGN);
  CLI::App app{"AceStream engines that play made-up streams: for demonstration and tests"};
  Settings settings;
  declare_flags(app, settings);
  CLI11_PARSE(app, argc, argv);
  if (settings.simulator.engines.empty()) settings.simulator.engines = {"127.0.0.1:6878"};
  const auto status = serve(settings);
  if (status) return EXIT_SUCCESS;
  log::error("sim_failed", "{}", status.error().text);
  return EXIT_FAILURE;
}
