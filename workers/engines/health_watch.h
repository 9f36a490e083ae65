#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>

#include "coordinator/host/host_memory.h"
#include "shared/base/clock.h"
#include "workers/engines/engine_directory.h"
#include "workers/engines/engine_query.h"

namespace ace::engines {

struct HealthTiming {
  std::chrono::milliseconds every{10'000};  ///< each engine, give or take a tenth
  std::chrono::milliseconds answer{2'000};  ///< for the whole of it, connect included
};

/// Asks every engine for its version, again and again, and writes into the host's table how it is.
/// Works in one worker of the host alone, the caretaker.
class HealthWatch {
 public:
  /// What it works with; everything outlives it.
  struct Parts {
    curl::Multi& curl;
    loop::TimerFactory& timers;
    const Clock& clock;
    host::HostMemory& host;
    host::WorkerRef self;
    const EngineDirectory& directory;
  };

  HealthWatch(Parts parts, HealthTiming timing);
  HealthWatch(const HealthWatch&) = delete;
  HealthWatch& operator=(const HealthWatch&) = delete;

  /// No question is asked any more, and none waits for its answer.
  void stop();

 private:
  struct Question {
    SteadyTime next;
    std::unique_ptr<curl::Fetch> fetch;  ///< null: none is out
  };

  void look();
  void ask(const EngineAddress& engine, Question& question);
  void on_answer(const std::string& id, const Result<EngineSelf>& answer);

  Parts parts_;
  HealthTiming timing_;
  std::unique_ptr<loop::Timer> timer_;
  std::map<std::string, Question> questions_;  ///< by engine id
};

}  // namespace ace::engines
