#pragma once

#include <rapidjson/document.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/process/child_process.h"

namespace ace::test {

/// What a simulated engine, or all of them together, did for one stream.
struct SimStream {
  std::uint64_t opened{};     ///< sessions, ever
  std::uint64_t alive{};      ///< sessions, now
  std::uint64_t max_alive{};  ///< sessions at once, ever
  std::uint64_t bytes_sent{};
};

/// One reading of `GET /sim/state`.
class SimState {
 public:
  explicit SimState(std::string_view json);

  /// A number of engine `index`, by its name in the JSON ("sessions_opened", "stops_received", …).
  [[nodiscard]] std::uint64_t engine(std::size_t index, const char* name) const;
  /// How often an endpoint of engine `index` was asked ("getstream", "playback", "stop", …).
  [[nodiscard]] std::uint64_t requests(std::size_t index, const char* endpoint) const;
  /// Over all engines. `id` is a content id or an infohash; zeroes when never asked for.
  [[nodiscard]] SimStream stream(std::string_view id) const;
  /// On one engine.
  [[nodiscard]] SimStream stream(std::size_t index, std::string_view id) const;
  [[nodiscard]] const rapidjson::Document& json() const { return json_; }

 private:
  rapidjson::Document json_;
};

struct SimOptions {
  std::size_t engines{1};
  std::uint64_t bitrate{8'000'000};
  std::string source{"numbered"};        ///< or "ffmpeg": real H.264 and AAC
  std::vector<std::string> arguments{};  ///< further flags of ace-engine-sim
};

/// A running `ace-engine-sim`. It ends when this process does, however.
class SimProcess {
 public:
  explicit SimProcess(const SimOptions& options = {});

  [[nodiscard]] std::uint16_t port(std::size_t engine = 0) const { return ports_.at(engine); }
  /// All of them as ACE_ENGINES wants it: "127.0.0.1:1,127.0.0.1:2".
  [[nodiscard]] std::string engine_list() const;
  /// Told through the control port: works whatever the engines themselves are made to do.
  [[nodiscard]] SimState state() const;
  void fault(std::string_view name, std::string_view value = {}, std::size_t engine = 0) const;
  void clear_faults(std::size_t engine = 0) const { fault("none", {}, engine); }
  [[nodiscard]] ChildProcess& process() { return *process_; }

 private:
  TempDir dir_;
  std::unique_ptr<ChildProcess> process_;
  std::vector<std::uint16_t> ports_;
  std::uint16_t control_port_{};
};

}  // namespace ace::test
