#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shared/loop/timer.h"
#include "tests/engine_sim/engine.h"

namespace ace::sim {

struct SimulatorOptions {
  std::vector<std::string> engines;  ///< "host:port" each
  std::string control;               ///< "host:port" of the control listener; empty: none
  EngineOptions engine;
};

/// Several engines in one process, their clock, and the `/sim/` API: on every engine for itself,
/// and for all of them (`engine=N`) on the control address, which no fault reaches.
class Simulator {
 public:
  Simulator(loop::Loop& loop, const SimulatorOptions& options, const SourceFactory& make_source);
  Simulator(const Simulator&) = delete;
  Simulator& operator=(const Simulator&) = delete;

  [[nodiscard]] Status listen();
  /// One "host:port" a line, in order.
  [[nodiscard]] std::string engine_addresses() const;
  [[nodiscard]] const std::string& control_address() const { return control_.address(); }

 private:
  void tick();
  [[nodiscard]] std::string answer(const Request& request, std::size_t default_engine);
  [[nodiscard]] std::string set_fault(const Request& request, std::size_t default_engine);
  [[nodiscard]] std::string state_json() const;

  loop::Loop& loop_;
  SimulatorOptions options_;
  SystemClock clock_;
  StreamLedger all_streams_;
  std::vector<std::unique_ptr<Engine>> engines_;
  std::vector<std::unique_ptr<Connection>> control_connections_;
  Listener control_;
  std::unique_ptr<loop::Timer> timer_;
};

}  // namespace ace::sim
