#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "shared/curl/fetch.h"
#include "workers/engines/engine_directory.h"

namespace ace::engines {

/// Asks an acestream-orchestrator for its engines, again and again. While it does not answer, what
/// it said last stands.
class OrchestratorWatch {
 public:
  /// `url`: of the orchestrator; empty: there is none. `max_streams`: of each engine. References
  /// must outlive it.
  OrchestratorWatch(curl::Multi& curl, loop::TimerFactory& timers, EngineDirectory& directory,
                    const std::string& url, std::uint32_t max_streams,
                    std::chrono::milliseconds every);
  OrchestratorWatch(const OrchestratorWatch&) = delete;
  OrchestratorWatch& operator=(const OrchestratorWatch&) = delete;

  void stop();

 private:
  void ask();
  void on_answer(const Result<curl::Answer>& answer);
  void complain(const std::string& why);

  curl::Multi& curl_;
  loop::TimerFactory& timers_;
  EngineDirectory& directory_;
  std::string url_;
  std::uint32_t max_streams_;
  std::string complaint_;  ///< the last one, to say each once
  std::unique_ptr<loop::Timer> timer_;
  std::unique_ptr<curl::Fetch> fetch_;
};

}  // namespace ace::engines
